#include <gtest/gtest.h>

#include <string>

#include "../exercise.h"
#include "entries.h"

namespace weft::fuzz {
namespace {

TEST(FuzzProtocol, Metadata) {
  for (
      const std::string seed :
      {R"({"roomId":"team","docId":"notes","channel":"doc","version":42,"senderId":"ada",)"
       R"("timestamp":1700000000123})",
       R"({"channel":"awareness","subdocId":"part","docId":"d","roomId":"r","mine":"x","n":0})",
       R"({"roomId":"\u00e4","docId":"d","channel":"control","version":null,"more":{"a":[1.5]}})"}) {
    exercise(metadata, seed);
  }
}

}  // namespace
}  // namespace weft::fuzz
