// Times the codec over a trace of updates and prints one JSON line for each measurement.
// Usage: codec_bench TRACE [COUNT]; the trace holds updates, each behind its length as a
// little-endian uint32 (bench/codec/type_trace.mjs writes one; its text is named "text"). Built
// with rust/bridge, yrs is timed beside it.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <vector>

#include "weft/yjs/update.h"
#ifdef WEFT_BENCH_YRS
#include "yrs.h"
#endif
#include "weft/yjs/update_v2.h"

namespace {

using weft::base::byte_vector;
using weft::base::byte_view;
namespace yjs = weft::yjs;

constexpr int runs = 5;

/// Median seconds of a few runs.
template <typename Work>
double seconds(Work&& work) {
  std::vector<double> times;
  for (int i = 0; i < runs; ++i) {
    const auto start = std::chrono::steady_clock::now();
    work();
    times.push_back(
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  std::sort(times.begin(), times.end());
  return times[runs / 2];
}

/// `work` returns the size of what it made.
template <typename Work>
void measure(const char* what, std::size_t input_bytes, Work&& work) {
  std::size_t output_bytes = 0;
  const double time = seconds([&] { output_bytes = work(); });
  std::printf("{\"what\":\"%s\",\"ms\":%.2f,\"mb_per_s\":%.0f,\"bytes\":%zu}\n", what, time * 1e3,
              static_cast<double>(input_bytes) / time / 1e6, output_bytes);
}

/// One update of client 1 in which each of `count` letters is typed before the last one.
byte_vector tiny_structs(std::size_t count) {
  byte_vector out{1};
  const auto put = [&](std::size_t value) {
    for (; value > 0x7f; value >>= 7) out.push_back(static_cast<std::uint8_t>(value | 0x80));
    out.push_back(static_cast<std::uint8_t>(value));
  };
  constexpr std::uint8_t first[] = {4, 1, 1, 't', 1, 'a'};
  constexpr std::uint8_t text_before = 0x44, client = 1;
  put(count);
  out.insert(out.end(), {client, 0});
  out.insert(out.end(), std::begin(first), std::end(first));
  for (std::size_t i = 1; i < count; ++i) {
    out.insert(out.end(), {text_before, client});
    put(i - 1);
    out.insert(out.end(), {1, static_cast<std::uint8_t>('a' + i % 26)});
  }
  out.push_back(0);
  return out;
}

template <typename T>
T value_or_exit(weft::base::result<T> result) {
  if (result) return std::move(*result);
  std::fprintf(stderr, "codec_bench: %s\n", result.error().message.c_str());
  std::exit(1);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2 && argc != 3) {
    std::fprintf(stderr, "usage: codec_bench TRACE [COUNT]\n");
    return 2;
  }
  std::ifstream file(argv[1], std::ios::binary);
  const std::vector<char> data((std::istreambuf_iterator<char>(file)), {});
  const auto* const bytes = reinterpret_cast<const std::uint8_t*>(data.data());
  const std::size_t count_max = argc == 3 ? std::strtoull(argv[2], nullptr, 10) : data.size();
  std::vector<byte_view> updates;
  std::size_t total = 0;
  for (std::size_t at = 0; at + 4 <= data.size() && updates.size() < count_max;) {
    std::uint32_t length = 0;
    std::memcpy(&length, bytes + at, sizeof length);
    at += sizeof length;
    if (length > data.size() - at) break;
    updates.emplace_back(bytes + at, length);
    at += length;
    total += length;
  }
  std::printf("{\"what\":\"trace\",\"updates\":%zu,\"bytes\":%zu}\n", updates.size(), total);

  byte_vector merged;
  byte_vector compacted;
  measure("merge", total, [&] { return (merged = value_or_exit(yjs::merge(updates))).size(); });
  measure("compact", total,
          [&] { return (compacted = value_or_exit(yjs::compact(updates))).size(); });
  const byte_view whole(merged);
  const byte_view dense(compacted);
  measure("compact merged", merged.size(),
          [&] { return value_or_exit(yjs::compact({&whole, 1})).size(); });
  measure("compact compacted", compacted.size(),
          [&] { return value_or_exit(yjs::compact({&dense, 1})).size(); });
  measure("validate merged", merged.size(),
          [&] { return static_cast<std::size_t>(yjs::validate(whole).has_value()); });
  measure("diff merged", merged.size(),
          [&] { return value_or_exit(yjs::diff(whole, yjs::empty_state_vector())).size(); });
  measure("split merged", merged.size(),
          [&] { return value_or_exit(yjs::split(whole, std::size_t{256} << 10)).size(); });

#ifdef WEFT_BENCH_YRS
  const weft::bench::YrsInput all(updates);
  const weft::bench::YrsInput one({&whole, 1});
  const weft::bench::YrsInput small({&dense, 1});
  measure("yrs merge", total, [&] { return weft::bench::yrs_merge(all); });
  measure("yrs read, update by update", total, [&] { return weft::bench::yrs_read(all, "text"); });
  measure("yrs read merged", merged.size(), [&] { return weft::bench::yrs_read(one, "text"); });
  measure("yrs read compacted", compacted.size(),
          [&] { return weft::bench::yrs_read(small, "text"); });
#endif
  const auto convert = [](const char* to, const char* from, byte_view v1) {
    constexpr std::size_t no_limit = std::size_t{1} << 40;
    byte_vector v2;
    measure(to, v1.size(), [&] { return (v2 = value_or_exit(yjs::v1_to_v2(v1))).size(); });
    // Per byte of v1 here as well: v2 may be next to nothing.
    measure(from, v1.size(), [&] { return value_or_exit(yjs::v2_to_v1(v2, no_limit)).size(); });
  };
  convert("v1 to v2 merged", "v2 to v1 merged", whole);
  convert("v1 to v2 compacted", "v2 to v1 compacted", dense);
  convert("v1 to v2 of 100000 tiny", "v2 to v1 of 100000 tiny", tiny_structs(100'000));
  convert("v1 to v2 of 1000000 tiny", "v2 to v1 of 1000000 tiny", tiny_structs(1'000'000));

  yjs::Knowledge held;
  std::size_t fresh = 0;
  const double classifying = seconds([&] {
    held = {};
    fresh = 0;
    for (const byte_view update : updates) {
      fresh += value_or_exit(yjs::classify(update, held)) == yjs::Novelty::fresh;
      (void)yjs::learn(update, held).has_value();
    }
  });
  const double known = seconds([&] {
    for (const byte_view update : updates) (void)yjs::classify(update, held).has_value();
  });
  const auto each = [&](double time) {
    return time * 1e9 / static_cast<double>(std::max<std::size_t>(1, updates.size()));
  };
  std::printf("{\"what\":\"classify and learn\",\"ns_each\":%.0f,\"fresh\":%zu}\n",
              each(classifying), fresh);
  std::printf("{\"what\":\"classify known\",\"ns_each\":%.0f}\n", each(known));
  return 0;
}
