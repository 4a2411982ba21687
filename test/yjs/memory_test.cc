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

// Never inlined: g++ would then see free() beside a new expression and take it for a mistake.
[[gnu::noinline]] void* operator new(std::size_t bytes) {
  void* const out = std::malloc(bytes);
  if (out == nullptr) std::abort();
  live_bytes += malloc_usable_size(out);
  peak_bytes = std::max(peak_bytes, live_bytes);
  return out;
}
[[gnu::noinline]] void* operator new[](std::size_t bytes) { return operator new(bytes); }
[[gnu::noinline]] void operator delete(void* at) noexcept {
  live_bytes -= malloc_usable_size(at);
  std::free(at);
}
[[gnu::noinline]] void operator delete[](void* at) noexcept { operator delete(at); }
[[gnu::noinline]] void operator delete(void* at, std::size_t) noexcept { operator delete(at); }
[[gnu::noinline]] void operator delete[](void* at, std::size_t) noexcept { operator delete(at); }

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

constexpr int some = 20'000;

/// Every function of format v1 within 16 times what it is given.
void expect_bounded_v1(const char* what, std::span<const byte_view> updates) {
  std::size_t bytes = 0;
  for (const byte_view update : updates) bytes += update.size();
  const auto expect = [&](const char* function, std::size_t input, std::size_t peak) {
    EXPECT_LE(peak, 16 * input + constant_bytes)
        << function << " of " << what << ": "
        << static_cast<double>(peak) / static_cast<double>(input) << " times the input";
  };
  const byte_view first = updates[0];
  const auto one = updates.first(1);
  expect("merge", bytes, peak_of([&] { (void)merge(updates); }));
  expect("compact", bytes, peak_of([&] { (void)compact(updates); }));
  // Held as a document is: compacted. (What is held raw, and says the same clocks again and again,
  // costs the square in time.)
  const auto held = compact(updates);
  ASSERT_TRUE(held) << what;
  const byte_view holding(*held);
  expect("contains", holding.size() + first.size(),
         peak_of([&] { (void)contains({&holding, 1}, first); }));
  const std::vector<byte_view> two{first, first};
  expect("merge with itself", 2 * first.size(), peak_of([&] { (void)merge(two); }));
  expect("compact alone", first.size(), peak_of([&] { (void)compact(one); }));
  expect("validate", first.size(), peak_of([&] { (void)validate(first); }));
  expect("state vector", first.size(), peak_of([&] { (void)state_vector_of(first); }));
  expect("diff", first.size(), peak_of([&] { (void)diff(first, empty_state_vector()); }));
  expect("learn", first.size(), peak_of([&] {
           Knowledge known;
           (void)learn(first, known);
         }));
  expect("reduce", first.size(), peak_of([&] { (void)reduce(first, {}); }));
  for (const std::size_t part : {std::size_t{1} << 12, first.size() / 2, first.size() - 1}) {
    expect("split", first.size(), peak_of([&] { (void)split(first, part); }));
  }
}

void expect_bounded_v1(const char* what, const byte_vector& update) {
  const byte_view view(update);
  expect_bounded_v1(what, {&view, 1});
}

/// `structs` each as a section of its own: client `client(i)`, clock `clock(i)`.
template <typename Client, typename Clock>
byte_vector sections(byte_view structs, std::uint64_t count, Client&& client, Clock&& clock) {
  Writer out;
  out.uint(some);
  for (std::uint64_t i = 0; i < some; ++i) {
    out.uint(count);
    out.uint(client(i));
    out.uint(clock(i));
    out.raw(structs);
  }
  out.uint(0);
  return out.take();
}

constexpr std::uint64_t first_client = 1 << 14;  ///< of those that take three bytes
constexpr auto one_each = [](std::uint64_t i) { return first_client + some - i; };
constexpr auto one_each_rising = [](std::uint64_t i) { return first_client + i; };
constexpr auto same = [](std::uint64_t) { return std::uint64_t{5}; };
constexpr auto zero = [](std::uint64_t) { return std::uint64_t{0}; };

/// A delete set of `clients` with `entries` each, every entry of two bytes.
byte_vector deletes(std::uint64_t clients, std::uint64_t entries, bool falling) {
  Writer out;
  out.uint(0);
  out.uint(clients);
  for (std::uint64_t i = 0; i < clients; ++i) {
    out.uint(first_client + (falling ? clients - i : i));
    out.uint(entries);
    for (std::uint64_t k = 0; k < entries; ++k) {
      out.uint(2 * (k % 64));
      out.uint(1);
    }
  }
  return out.take();
}

TEST(CodecMemory, SectionsTakeSixteenTimesTheirBytes) {
  const auto collected = hex("0001");
  const auto letter = hex("040101740178");
  const auto deleted = hex("0101017401");
  const auto empty = hex("0000");
  for (const auto& [what, bytes] :
       {std::pair{"a GC", collected}, std::pair{"a letter", letter},
        std::pair{"a deleted letter", deleted}, std::pair{"nothing", empty}}) {
    const std::string name = std::string("sections of ") + what;
    expect_bounded_v1((name + ", a client each").c_str(), sections(bytes, 1, one_each, zero));
    expect_bounded_v1((name + ", clients rising").c_str(),
                      sections(bytes, 1, one_each_rising, zero));
    expect_bounded_v1((name + ", all at one clock").c_str(), sections(bytes, 1, same, zero));
    expect_bounded_v1((name + ", clocks falling").c_str(),
                      sections(bytes, 1, same, [](std::uint64_t i) { return 2 * (some - i); }));
  }
  expect_bounded_v1("sections of GC and letter at one clock",
                    sections(hex("000104010174027879"), 2, same, zero));
  expect_bounded_v1("empty sections", sections({}, 0, one_each, zero));
}

TEST(CodecMemory, DeletionsTakeSixteenTimesTheirBytes) {
  expect_bounded_v1("a client each", deletes(some, 1, true));
  expect_bounded_v1("a client each, rising", deletes(some, 1, false));
  expect_bounded_v1("two each", deletes(some / 2, 2, true));
  expect_bounded_v1("64 each", deletes(some / 64, 64, true));
  expect_bounded_v1("64 each, rising", deletes(some / 64, 64, false));
  expect_bounded_v1("all of one client", deletes(1, some, true));
  Writer deletions;
  deletions.uint(some);
  for (std::uint64_t i = 0; i < some; ++i) deletions.raw(hex(i % 2 == 0 ? "05010001" : "06010001"));
  expect_bounded_v1("two clients in turn", update_with({}, 0, deletions));
}

TEST(CodecMemory, StructsAndTheirDeletionsTakeSixteenTimesTheirBytes) {
  Writer structs;
  Writer deletions;
  deletions.uint(1);
  deletions.uint(5);
  deletions.uint(some / 2);
  for (std::uint64_t i = 0; i < some; ++i) {
    structs.raw(i % 2 == 0 ? hex("0001") : hex("0a01"));
    if (i % 2 == 0) continue;
    deletions.uint(i);
    deletions.uint(1);
  }
  expect_bounded_v1("GC and Skip in turn", update_with(structs, some, deletions));
  for (const int letters : {2, some}) {
    Writer text;
    text.raw(hex("04010174"));
    text.uint(static_cast<std::uint64_t>(letters));
    for (int i = 0; i < letters; ++i) text.byte('x');
    expect_bounded_v1("text with every other letter deleted", update_with(text, 1, deletions));
  }
}

/// An Any item with one object of so many properties: `key(i)`, null.
template <typename Key>
byte_vector object(Key&& key) {
  Writer structs;
  structs.raw(hex("0801017401"));
  structs.byte(118);
  structs.uint(some);
  for (int i = 0; i < some; ++i) {
    structs.bytes(key(i));
    structs.byte(126);
  }
  Writer none;
  none.uint(0);
  return update_with(structs, 1, none);
}

TEST(CodecMemory, ValuesTakeSixteenTimesTheirBytes) {
  expect_bounded_v1("an object of one name again and again",
                    object([](int) { return byte_vector(); }));
  expect_bounded_v1("an object of many names", object([](int i) {
                      return byte_vector{static_cast<std::uint8_t>('a' + i % 16),
                                         static_cast<std::uint8_t>('a' + i / 16 % 16),
                                         static_cast<std::uint8_t>('a' + i / 256 % 16),
                                         static_cast<std::uint8_t>('a' + i / 4096 % 64)};
                    }));
  Writer none;
  none.uint(0);
  // JSON that has to be written again, for it has a number as a name.
  for (const std::string_view entry : {std::string_view("\"1\":0,"), std::string_view("\"\":0,")}) {
    std::string json = "{";
    for (int i = 0; i < some; ++i) json += entry;
    json.back() = '}';
    Writer structs;
    structs.raw(hex("05010174"));
    structs.bytes(base::as_bytes(json));
    expect_bounded_v1("a JSON object", update_with(structs, 1, none));
  }
  std::string list = "[ ";
  for (int i = 0; i < some; ++i) list += i % 2 == 0 ? "[]," : "{},";
  list.back() = ']';
  Writer structs;
  structs.raw(hex("05010174"));
  structs.bytes(base::as_bytes(list));
  expect_bounded_v1("a JSON list of empty lists", update_with(structs, 1, none));
  // As deep as values may go, each level around all the ones below.
  Writer deep;
  deep.raw(hex("0801017401"));
  for (int i = 0; i < 999; ++i) deep.raw(hex("76010131"));  // {"1": …
  deep.byte(119);
  deep.bytes(byte_vector(some, 'x'));
  expect_bounded_v1("nested objects", update_with(deep, 1, none));
}

/// Tiny updates by the thousand, each with a list entry of its own.
TEST(CodecMemory, ManyTinyUpdatesTakeSixteenTimesTheirBytes) {
  for (const bool collected : {true, false}) {
    std::vector<byte_vector> kept;
    for (std::uint64_t i = 0; i < some; ++i) {
      Writer out;
      out.raw(hex("0101"));
      out.uint(5);
      out.uint(i * 7 % some);
      out.raw(collected ? hex("0001") : hex("040101740178"));
      out.uint(0);
      kept.push_back(out.take());
    }
    const std::vector<byte_view> updates(kept.begin(), kept.end());
    expect_bounded_v1(collected ? "tiny updates, collected" : "tiny updates", updates);
    for (byte_vector& update : kept)
      update = hex(collected ? "010105000001"
                               "00"
                             : "01010500040101740178"
                               "00");
    const std::vector<byte_view> equal(kept.begin(), kept.end());
    expect_bounded_v1(
        collected ? "tiny updates at one clock, collected" : "tiny updates at one clock", equal);
  }
}

}  // namespace
}  // namespace weft::yjs
