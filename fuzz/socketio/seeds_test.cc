#include <gtest/gtest.h>

#include <string>

#include "../exercise.h"
#include "entries.h"

namespace weft::fuzz {
namespace {

using namespace std::string_literals;

TEST(FuzzSocketIo, Payloads) {
  for (const auto& seed : {"\x05"
                           "4hello\x1e"
                           "2probe\x1e"
                           "bAQIDBA==\x1e"
                           "b\x1e"
                           "1"s,
                           "\x02"
                           "4h\xc3\xa4\x1e"
                           "b+/+/\x1e"
                           "6"s,
                           "\xff"
                           "b-_-_\x1e"
                           "0{\"sid\":\"x\"}"s}) {
    exercise(payload, seed);
  }
}

/// A message with its byte in front.
std::string text(const std::string& message) {
  return static_cast<char>(message.size() << 1) + message;
}
std::string binary(const std::string& message) {
  return static_cast<char>(message.size() << 1 | 1) + message;
}

TEST(FuzzSocketIo, Packets) {
  const std::string one = R"({"_placeholder":true,"num":0})",
                    two = R"({"_placeholder":true,"num":1})";
  for (const auto& seed :
       {text("0{\"a\":\"b\"}") + text("2/a,12[\"e\",1,[true,null],\"\\u00e4\"]") + text("1/a,"),
        text("52-7[\"e\"," + two + "," + one + "]") + binary("abc") + binary("") + text("2[5]"),
        text("61-/a,3[[" + one + "]]") + binary("\x01\x02"s) + text("4/a,{\"message\":\"m\"}"),
        text("39007199254740991[1e5,-0.5,18446744073709551615]") + text("4\"why\"")}) {
    exercise(packets, seed);
  }
}

TEST(FuzzSocketIo, Handshakes) {
  for (
      const auto& seed :
      {"roomId=r&docId=d&version=4%400000000000000007&token=t\n{\"subdocId\":\"part\"}"s,
       "EIO=4\n{\"roomId\":\"r\",\"docId\":\"d\",\"version\":42,\"senderId\":\"s\",\"token\":\"t\"}"s,
       "roomId=%C3%A4\n{\"docId\":\"d\",\"version\":null}"s, "\nnull"s}) {
    exercise(handshake, seed);
  }
}

TEST(FuzzSocketIo, Messages) {
  for (const auto& metadata :
       {R"({"roomId":"r","docId":"d","channel":"doc"})"s,
        R"({"roomId":"r","docId":"d","subdocId":"p","channel":"awareness","version":3,"x":[1]})"s,
        R"({"channel":"control","docId":"\u00e4","roomId":"r","senderId":"me","timestamp":5})"s}) {
    exercise(message,
             std::string{static_cast<char>(metadata.size()), 0} + metadata + "\x00\x02\x00"s);
  }
}

}  // namespace
}  // namespace weft::fuzz
