#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "../exercise.h"
#include "entries.h"

namespace weft::fuzz {
namespace {

constexpr int rounds_each = 5000;

void exercise_all(void (*entry)(base::byte_view), const std::vector<std::string>& seeds) {
  for (const auto& seed : seeds) exercise(entry, seed, rounds_each);
}

TEST(fuzz_gateway, base64) {
  exercise_all(base64,
               {"", "Zg==", "Zm8=", "Zm9v", "Zm9vYg", "-_-_", "+/+/", std::string(100, 'A')});
}

TEST(fuzz_gateway, bodies) {
  using namespace std::string_literals;
  exercise_all(updates_body, {"\x09\x02\x00\x00\x81\x00x\x00"s, "\x05\x80\x80\x80\x80\x10"s,
                              "\x08{\"updates\": [\"AAA=\", \"\", \"AQEB\"]}"s,
                              "\x08{\"a\": [{\"updates\": 1}], \"updates\": []}"s});
}

TEST(fuzz_gateway, requests) {
  exercise_all(
      request,
      {"/v1/documents/team/notes/update?at=42@000000000000abc7&sv=AQ&format=v2\n"
       "If-Match: \"1@000000000000abc7;json\", W/\"2\"\nIf-Match:*\nAccept: */*;q=0.5",
       "/v1/documents/t%20m/a%2Fb/versions/7/restore?sender=a+b\nOrigin: https://friend.example",
       "/v1/documents/{room}/{document}/versions\nIf-Match: *",
       "/v1/documents?after=a/b&limit=10\nContent-Type: application/json; charset=utf-8"});
}

}  // namespace
}  // namespace weft::fuzz
