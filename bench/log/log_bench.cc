// Appends per second and CPU per append of the embedded log, beside a raw file that is written and
// synced in groups of the same size. One JSON line per cell.
//
// Estimate: a commit costs the disk's fdatasync whatever it holds; the CPU of an append is one copy
// and checksum of its bytes, a hash look-up, and its share of one RocksDB put per document and
// commit. So one document should cost little more than the raw file, and a thousand documents about
// a put (1 to 2 µs) per record more, as long as groups hold about one record of each.
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "support/test_executor.h"
#include "weft/log/embedded/embedded_log.h"

namespace {

using namespace weft;
namespace fs = std::filesystem;

struct Settings {
  fs::path directory = fs::temp_directory_path() / "weft-log-bench";
  int writers = 2;
  std::size_t outstanding = 512;  ///< appends that each writer may have waiting
  std::size_t bytes = 100;
  double seconds = 2;
};

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

double now_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

[[noreturn]] void give_up(const std::string& why) {
  std::fprintf(stderr, "log_bench: %s\n", why.c_str());
  std::exit(1);
}

/// Counts what is committed, per writer: its actor number is its index.
class Counter final : public log::Subscriber {
 public:
  explicit Counter(std::vector<std::atomic<std::size_t>>& committed) : committed_(committed) {}
  void on_committed(const log::record_batch& records) override {
    for (const auto& entry : records) ++committed_[entry.record.operation.actor];
  }
  void on_append_failed(const std::vector<base::OperationId>&, const base::error& why) override {
    give_up(why.message);
  }

 private:
  std::vector<std::atomic<std::size_t>>& committed_;
};

struct Outcome {
  double per_second = 0;
  double group = 0;
};

Outcome run_log(const Settings& settings, log::embedded::durability durability, const char* name,
                std::size_t documents) {
  fs::remove_all(settings.directory);
  log::embedded::EmbeddedLogOptions options;
  options.directory = settings.directory;
  options.durability = durability;
  auto opened = log::embedded::EmbeddedLog::open(options);
  if (!opened) give_up(opened.error().message);
  log::embedded::EmbeddedLog& subject = **opened;
  std::vector<std::atomic<std::size_t>> committed(static_cast<std::size_t>(settings.writers));
  Counter counter(committed);
  test::TestExecutor executor;
  std::vector<base::DocumentId> ids;
  std::vector<std::unique_ptr<log::Subscription>> subscriptions;
  for (std::size_t i = 0; i < documents; ++i) {
    ids.push_back({"room", "document-" + std::to_string(i), std::nullopt});
    subscriptions.push_back(subject.subscribe(ids.back(), executor, counter));
  }
  const base::shared_bytes envelope = base::shared_bytes::adopt(base::byte_vector(settings.bytes));
  const double cpu_start = cpu_seconds();
  const double start = now_seconds();
  std::vector<std::thread> writers;
  for (std::size_t w = 0; w < committed.size(); ++w) {
    writers.emplace_back([&, w] {
      for (std::uint64_t seq = 0; now_seconds() - start < settings.seconds;) {
        if (seq - committed[w] >= settings.outstanding) {
          std::this_thread::sleep_for(std::chrono::microseconds(200));
          continue;
        }
        std::vector<log::Record> records(1);
        records[0].operation = {w, seq};
        records[0].envelope = envelope;
        const std::size_t at = (seq * committed.size() + w) % documents;
        if (!subject.append(ids[at], std::move(records))) give_up("an append was refused");
        ++seq;
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  subject.close();
  const double elapsed = now_seconds() - start;
  const double cpu = cpu_seconds() - cpu_start;
  const log::embedded::EmbeddedLogStats stats = subject.stats();
  executor.run_on([&] { subscriptions.clear(); });
  const auto records = static_cast<double>(stats.records);
  const Outcome out{records / elapsed, records / static_cast<double>(stats.commits)};
  std::printf(
      "{\"log\":\"embedded\",\"durability\":\"%s\",\"documents\":%zu,\"writers\":%d,"
      "\"bytes\":%zu,\"appends_per_s\":%.0f,\"cpu_us_per_append\":%.2f,\"group\":%.1f,"
      "\"write_us_per_commit\":%.0f}\n",
      name, documents, settings.writers, settings.bytes, out.per_second, cpu * 1e6 / records,
      out.group, static_cast<double>(stats.write_ns) / 1e3 / static_cast<double>(stats.commits));
  std::fflush(stdout);
  return out;
}

void run_raw(const Settings& settings, double group) {
  fs::remove_all(settings.directory);
  fs::create_directories(settings.directory);
  const int file =
      ::open((settings.directory / "raw").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  if (file < 0) give_up("cannot create the raw file");
  const auto count = static_cast<std::size_t>(std::max(1.0, group));
  const std::string bytes(count * (settings.bytes + 24), 'x');
  const double cpu_start = cpu_seconds();
  const double start = now_seconds();
  double groups = 0;
  while (now_seconds() - start < settings.seconds) {
    if (::write(file, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size()) ||
        ::fdatasync(file) != 0) {
      give_up("the raw file cannot be written");
    }
    ++groups;
  }
  const double elapsed = now_seconds() - start;
  const double records = groups * static_cast<double>(count);
  std::printf(
      "{\"log\":\"raw file\",\"durability\":\"fsync\",\"bytes\":%zu,\"appends_per_s\":%.0f,"
      "\"cpu_us_per_append\":%.2f,\"group\":%zu,\"write_us_per_commit\":%.0f}\n",
      settings.bytes, records / elapsed, (cpu_seconds() - cpu_start) * 1e6 / records, count,
      elapsed * 1e6 / groups);
  std::fflush(stdout);
  ::close(file);
}

}  // namespace

int main(int argc, char** argv) {
  Settings settings;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string flag = argv[i];
    const std::string value = argv[i + 1];
    if (flag == "--directory") settings.directory = fs::path(value) / "weft-log-bench";
    if (flag == "--writers") settings.writers = std::max(1, std::atoi(value.c_str()));
    if (flag == "--outstanding") settings.outstanding = std::strtoul(value.c_str(), nullptr, 10);
    if (flag == "--bytes") settings.bytes = std::max(2ul, std::strtoul(value.c_str(), nullptr, 10));
    if (flag == "--seconds") settings.seconds = std::atof(value.c_str());
  }
  if (argc % 2 == 0) {
    std::puts(
        "log_bench [--directory DIR] [--writers 2] [--outstanding 512] [--bytes 100] "
        "[--seconds 2]");
    return 0;
  }
  using log::embedded::durability;
  for (const std::size_t documents : {std::size_t{1}, std::size_t{1000}}) {
    const Outcome synced = run_log(settings, durability::fsync, "fsync", documents);
    run_raw(settings, synced.group);
    run_log(settings, durability::os, "os", documents);
  }
  fs::remove_all(settings.directory);
  return 0;
}
