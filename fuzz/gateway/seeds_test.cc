#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "entries.h"
#include "weft/base/random.h"

namespace weft::fuzz {
namespace {

/// Runs `entry` on the seeds, their prefixes and seeded mutations.
void exercise(void (*entry)(base::byte_view), const std::vector<std::string>& seeds) {
  base::random random(1);
  for (const auto& seed : seeds) {
    for (std::size_t size = 0; size <= seed.size(); ++size) {
      entry(base::as_bytes(seed).first(size));
    }
    for (int round = 0; round < 5000; ++round) {
      std::string mutated = seed;
      for (std::uint64_t i = 0; i <= random.below(4) && !mutated.empty(); ++i) {
        const std::size_t at = random.below(mutated.size());
        switch (random.below(3)) {
          case 0:
            mutated[at] = static_cast<char>(random.next());
            break;
          case 1:
            mutated.insert(at, 1, mutated[random.below(mutated.size())]);
            break;
          default:
            mutated.erase(at, 1);
        }
      }
      entry(base::as_bytes(mutated));
    }
  }
}

TEST(fuzz_gateway, base64) {
  exercise(base64, {"", "Zg==", "Zm8=", "Zm9v", "Zm9vYg", "-_-_", "+/+/", std::string(100, 'A')});
}

TEST(fuzz_gateway, bodies) {
  using namespace std::string_literals;
  exercise(updates_body, {"\x09\x02\x00\x00\x81\x00x\x00"s, "\x05\x80\x80\x80\x80\x10"s,
                          "\x08{\"updates\": [\"AAA=\", \"\", \"AQEB\"]}"s,
                          "\x08{\"a\": [{\"updates\": 1}], \"updates\": []}"s});
}

TEST(fuzz_gateway, requests) {
  exercise(
      request,
      {"/v1/documents/team/notes/update?at=42@000000000000abc7&sv=AQ&format=v2\n"
       "If-Match: \"1@000000000000abc7;json\", W/\"2\"\nIf-Match:*\nAccept: */*;q=0.5",
       "/v1/documents/t%20m/a%2Fb/versions/7/restore?sender=a+b\nOrigin: https://friend.example",
       "/v1/documents/{room}/{document}/versions\nIf-Match: *",
       "/v1/documents?after=a/b&limit=10\nContent-Type: application/json; charset=utf-8"});
}

}  // namespace
}  // namespace weft::fuzz
