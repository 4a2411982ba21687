#include "weft/crdt/reader.h"

#include <gtest/gtest.h>

namespace weft::crdt {
namespace {

base::byte_vector from_hex(std::string_view hex) {
  base::byte_vector out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    out.push_back(static_cast<std::uint8_t>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  return out;
}

TEST(Reader, Smoke) {
  const auto u = from_hex(
      "0101010004010174026869"
      "00");
  std::printf("%s\n", read_json(u).value_or("?").c_str());
  std::printf("%s\n", read_content(u).value_or("?").c_str());
}

}  // namespace
}  // namespace weft::crdt
