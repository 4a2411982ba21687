// How much memory the codec takes for hostile and for large updates. A program of its own, since it
// counts every allocation.
#include <gtest/gtest.h>
#include <malloc.h>

#include <algorithm>
#include <cstdlib>
#include <new>

#include "weft/yjs/lib0.h"
#include "weft/yjs/update_v2.h"
#include "yjs/bytes_in_hex.h"

namespace {
std::size_t live_bytes = 0;
std::size_t peak_bytes = 0;
}  // namespace

void* operator new(std::size_t bytes) {
  void* const out = std::malloc(bytes);
  if (out == nullptr) std::abort();
  live_bytes += malloc_usable_size(out);
  peak_bytes = std::max(peak_bytes, live_bytes);
  return out;
}
void* operator new[](std::size_t bytes) { return operator new(bytes); }
void operator delete(void* at) noexcept {
  live_bytes -= malloc_usable_size(at);
  std::free(at);
}
void operator delete[](void* at) noexcept { operator delete(at); }
void operator delete(void* at, std::size_t) noexcept { operator delete(at); }
void operator delete[](void* at, std::size_t) noexcept { operator delete(at); }

namespace weft::yjs {
namespace {

using testing::hex;

constexpr std::size_t constant_bytes = 64 << 10;

template <typename Work>
std::size_t peak_of(Work&& work) {
  const std::size_t before = live_bytes;
  peak_bytes = live_bytes;
  work();
  return peak_bytes - before;
}

/// Every function that reads v2 within 16 times what the update is in both formats.
void expect_bounded(const char* what, byte_view update_v2, std::size_t v1_bytes) {
  const std::size_t most = 16 * (update_v2.size() + v1_bytes) + constant_bytes;
  const std::vector<byte_view> two{update_v2, update_v2};
  EXPECT_LE(peak_of([&] { (void)validate_v2(update_v2, v1_bytes); }), most) << what;
  EXPECT_LE(peak_of([&] { (void)v2_to_v1(update_v2, v1_bytes); }), most) << what;
  EXPECT_LE(peak_of([&] { (void)state_vector_of_v2(update_v2, v1_bytes); }), most) << what;
  EXPECT_LE(peak_of([&] { (void)diff_v2(update_v2, empty_state_vector(), v1_bytes); }), most)
      << what;
  EXPECT_LE(peak_of([&] { (void)merge_v2(two, 2 * v1_bytes); }), 2 * most) << what;
}

TEST(CodecMemory, ClaimsBeyondTheLimitAreRefusedWithinIt) {
  constexpr std::size_t limit = std::size_t{1} << 20;
  const std::pair<const char*, byte_vector> bombs[] = {
      {"collected structs", hex("0000010500000100010000000001ffffffffff0f0000")},
      {"named XML elements",
       hex("000603ffffffff0f010500000187020000000643ffffffff0f0001ffffffff0f0000")},
      {"one name again and again",
       hex("0002010101050000010708057470617261010401010243000001ffffffffff0f0000")},
  };
  for (const auto& [what, bytes] : bombs) {
    const auto valid = validate_v2(bytes, limit);
    ASSERT_FALSE(valid) << what;
    EXPECT_EQ(valid.error().code, make_error_code(errc::over_limit)) << what;
    expect_bounded(what, bytes, limit);
  }
}

constexpr int many = 100'000;

byte_vector update_with(const Writer& structs, std::uint64_t count, const Writer& deletions) {
  Writer out;
  out.uint(1);
  out.uint(count);
  out.uint(5);
  out.uint(0);
  out.raw(structs.view());
  out.raw(deletions.view());
  return out.take();
}

TEST(CodecMemory, ConversionIsWithinSixteenTimesWhatItReadsAndWrites) {
  Writer none;
  none.uint(0);
  std::vector<std::pair<const char*, byte_vector>> updates;
  {
    Writer structs;
    for (int i = 0; i < many; ++i) structs.raw(hex("040101740178"));  // one letter each
    updates.emplace_back("letters", update_with(structs, many, none));
  }
  {
    Writer structs;
    for (int i = 0; i < many; ++i) structs.raw(hex("0001"));
    updates.emplace_back("collected structs", update_with(structs, many, none));
  }
  {
    Writer structs;
    for (int i = 0; i < many; ++i) structs.raw(hex("070101740300"));
    updates.emplace_back("XML elements without a name", update_with(structs, many, none));
  }
  {
    Writer structs;
    for (int i = 0; i < many; ++i) structs.raw(hex("0601017400027b7d"));
    updates.emplace_back("formats", update_with(structs, many, none));
  }
  {
    Writer deletions;
    deletions.uint(2);
    for (const std::uint64_t client : {1, 2}) {  // not as Yjs orders them
      deletions.uint(client);
      deletions.uint(many);
      for (int i = many; i > 0; --i) {
        deletions.uint(static_cast<std::uint64_t>(i) % 100);
        deletions.uint(1);
      }
    }
    updates.emplace_back("deletions in no order", update_with({}, 0, deletions));
  }
  for (const auto& [what, update] : updates) {
    byte_vector packed;
    packed.reserve(update.size());
    const std::size_t packing = peak_of([&] { packed = *v1_to_v2(update); });
    EXPECT_LE(packing, 16 * update.size() + constant_bytes) << what;
    EXPECT_LE(peak_of([&] { (void)diff(update, empty_state_vector()); }),
              16 * update.size() + constant_bytes)
        << what;
    expect_bounded(what, packed, update.size());
  }
}

}  // namespace
}  // namespace weft::yjs
