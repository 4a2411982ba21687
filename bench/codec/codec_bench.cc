// Times the codec over the workloads that make_workloads.mjs wrote, and prints one JSON line for
// each measurement, in the form that README.md describes.
// Usage: codec_bench DIR [NAME]…; NAME: the workloads to run, as "typing-10000"; all when absent.
// codec_yrs is the same program with yrs in the place of Weft's codec.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#ifdef WEFT_BENCH_YRS
#include "yrs.h"
#else
#include "weft/yjs/update_v2.h"
#endif
#include "weft/yjs/update.h"

namespace {

using weft::base::byte_vector;
using weft::base::byte_view;
namespace yjs = weft::yjs;
namespace fs = std::filesystem;

constexpr std::size_t runs_max = 5;
constexpr double seconds_max = 2;  ///< after so long the runs there are must do
constexpr std::size_t split_part_bytes = std::size_t{256} << 10;

/// An operation that would take longer, by what the two smaller sizes took, is left out: no line.
constexpr double expected_seconds_max = 15;

struct Workload {
  std::string name;  ///< "typing-10000"
  std::string kind;  ///< "typing"
  byte_vector records;
  byte_vector whole;
  byte_vector vector;
  std::vector<byte_view> updates;  ///< into `records`
  std::size_t updates_bytes = 0;
};

byte_vector read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    std::fprintf(stderr, "codec_bench: cannot read %s\n", path.c_str());
    std::exit(1);
  }
  return byte_vector((std::istreambuf_iterator<char>(file)), {});
}

Workload read_workload(const fs::path& directory, const std::string& name) {
  Workload work;
  work.name = name;
  work.kind = name.substr(0, name.rfind('-'));
  work.records = read_file(directory / (name + ".updates"));
  work.whole = read_file(directory / (name + ".whole"));
  work.vector = read_file(directory / (name + ".vector"));
  for (std::size_t at = 0; at + 4 <= work.records.size();) {
    std::uint32_t length = 0;
    std::memcpy(&length, work.records.data() + at, sizeof length);
    at += sizeof length;
    if (length > work.records.size() - at) break;
    work.updates.emplace_back(work.records.data() + at, length);
    work.updates_bytes += length;
    at += length;
  }
  return work;
}

/// Median seconds of a few runs.
template <typename Work>
double seconds(Work&& work) {
  std::vector<double> times;
  double total = 0;
  while (times.size() < runs_max && total < seconds_max) {
    const auto start = std::chrono::steady_clock::now();
    work();
    times.push_back(
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    total += times.back();
  }
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

/// How an operation's time has grown from size to size.
struct Pace {
  double items = 0;
  double time = 0;
  double exponent = 1.5;  ///< of the time in the number of items
};

/// Prints the measurements, and knows what the smaller sizes of a workload took.
class Recorder {
 public:
  /// `work` returns the size of what it made. False when it was left out.
  template <typename Work>
  bool measure(const Workload& of, const std::string& operation, std::size_t input_bytes,
               Work&& work) {
    Pace& pace = paces_[of.kind + " " + operation];
    const auto items = static_cast<double>(of.updates.size());
    const double growth = pace.items > 0 ? items / pace.items : 1;
    if (pace.time * std::pow(growth, pace.exponent) > expected_seconds_max) return false;
    std::size_t output_bytes = 0;
    const double time = seconds([&] { output_bytes = work(); });
    if (growth > 1) pace.exponent = std::max(1.0, std::log(time / pace.time) / std::log(growth));
    pace.items = items;
    pace.time = time;
    std::printf(
        "{\"workload\":\"%s\",\"items\":%zu,\"operation\":\"%s\",\"input_bytes\":%zu,"
        "\"output_bytes\":%zu,\"ms\":%.4f}\n",
        of.kind.c_str(), of.updates.size(), operation.c_str(), input_bytes, output_bytes,
        time * 1e3);
    return true;
  }

 private:
  std::map<std::string, Pace> paces_;  ///< by workload and operation
};

#ifdef WEFT_BENCH_YRS

void run(const Workload& work, Recorder& recorder) {
  const weft::bench::YrsInput updates(work.updates);
  recorder.measure(work, "merge", work.updates_bytes,
                   [&] { return weft::bench::yrs_merge(updates); });
}

#else

template <typename T>
T value_or_exit(weft::base::result<T> result) {
  if (result) {
    if constexpr (std::is_void_v<T>) {
      return;
    } else {
      return std::move(*result);
    }
  }
  std::fprintf(stderr, "codec_bench: %s\n", result.error().message.c_str());
  std::exit(1);
}

void run(const Workload& work, Recorder& recorder) {
  const byte_view whole(work.whole);
  byte_vector compacted;
  recorder.measure(work, "merge", work.updates_bytes,
                   [&] { return value_or_exit(yjs::merge(work.updates)).size(); });
  recorder.measure(work, "compact", work.updates_bytes, [&] {
    compacted = value_or_exit(yjs::compact(work.updates));
    return compacted.size();
  });
  recorder.measure(work, "diff", whole.size(),
                   [&] { return value_or_exit(yjs::diff(whole, work.vector)).size(); });
  if (!compacted.empty()) {
    const byte_view held(compacted);
    recorder.measure(work, "contains", whole.size(), [&] {
      return static_cast<std::size_t>(value_or_exit(yjs::contains({&held, 1}, whole)));
    });
  }
  recorder.measure(work, "validate", whole.size(),
                   [&] { return static_cast<std::size_t>(yjs::validate(whole).has_value()); });
  recorder.measure(work, "split", whole.size(),
                   [&] { return value_or_exit(yjs::split(whole, split_part_bytes)).size(); });
  constexpr std::size_t no_limit = std::size_t{1} << 40;
  byte_vector v2;
  recorder.measure(work, "v1 to v2", whole.size(), [&] {
    v2 = value_or_exit(yjs::v1_to_v2(whole));
    return v2.size();
  });
  if (!v2.empty()) {
    recorder.measure(work, "v2 to v1", whole.size(),
                     [&] { return value_or_exit(yjs::v2_to_v1(v2, no_limit)).size(); });
  }
  std::vector<byte_vector> tiny;
  std::size_t tiny_bytes = 0;
  for (const byte_view update : work.updates) {
    tiny.push_back(value_or_exit(yjs::v1_to_v2(update)));
    tiny_bytes += tiny.back().size();
  }
  const std::vector<byte_view> tiny_views(tiny.begin(), tiny.end());
  recorder.measure(work, "merge v2", tiny_bytes,
                   [&] { return value_or_exit(yjs::merge_v2(tiny_views, no_limit)).size(); });
  yjs::Knowledge known;
  const bool admitted = recorder.measure(work, "admit", work.updates_bytes, [&] {
    known = {};
    std::size_t fresh = 0;
    for (const byte_view update : work.updates) {
      fresh += value_or_exit(yjs::classify(update, known)) != yjs::Novelty::contained;
      value_or_exit(yjs::learn(update, known));
    }
    return fresh;
  });
  if (!admitted) return;
  recorder.measure(work, "classify", work.updates_bytes, [&] {
    std::size_t contained = 0;
    for (const byte_view update : work.updates) {
      contained += value_or_exit(yjs::classify(update, known)) == yjs::Novelty::contained;
    }
    return contained;
  });
}

#endif

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fputs("usage: codec_bench DIR [NAME]...\n", stderr);
    return 2;
  }
  std::vector<std::string> names(argv + 2, argv + argc);
  if (names.empty()) {
    for (const auto& entry : fs::directory_iterator(argv[1])) {
      if (entry.path().extension() == ".updates") names.push_back(entry.path().stem().string());
    }
    std::sort(names.begin(), names.end());
  }
  Recorder recorder;
  for (const std::string& name : names) run(read_workload(argv[1], name), recorder);
  return 0;
}
