// The program that crash tests end in the middle: it uses an embedded log and says on its standard
// output what the log has promised. Usage: log_crash_subject MODE DIRECTORY [FULL_FILE]
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "log/log_listener.h"
#include "support/test_executor.h"
#include "weft/log/embedded/embedded_log.h"

namespace {

using namespace weft;
using log::conformance::document;
using log::conformance::Listener;
using log::conformance::one;
using log::conformance::record;

void require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "crash subject: %s\n", what);
  std::_Exit(1);
}

/// Reports each committed record as "document offset seq" in one write.
class Reporter final : public log::Subscriber {
 public:
  explicit Reporter(int number) : number_(number) {}
  void on_committed(const log::record_batch& records) override {
    std::string lines;
    for (const log::CommittedRecord& entry : records) {
      lines += std::to_string(number_) + " " + std::to_string(entry.offset.value) + " " +
               std::to_string(entry.record.operation.seq) + "\n";
    }
    require(
        ::write(STDOUT_FILENO, lines.data(), lines.size()) == static_cast<ssize_t>(lines.size()),
        "the report is cut off");
  }
  void on_append_failed(const std::vector<base::OperationId>&, const base::error&) override {
    require(false, "an append failed");
  }

 private:
  int number_;
};

/// Appends to a few documents from two threads until it is killed.
int load(log::embedded::EmbeddedLog& subject) {
  constexpr int documents = 8;
  test::TestExecutor executor;
  std::vector<std::unique_ptr<Reporter>> reporters;
  std::vector<std::unique_ptr<log::Subscription>> subscriptions;
  for (int i = 0; i < documents; ++i) {
    reporters.push_back(std::make_unique<Reporter>(i));
    subscriptions.push_back(
        subject.subscribe(document(std::to_string(i)), executor, *reporters.back()));
  }
  std::atomic<std::uint64_t> seq = subject.next_seq();
  const auto write = [&](int parity) {
    for (int turn = 0;; ++turn) {
      const int target = (2 * turn + parity) % documents;
      const std::size_t size = turn % 97 == 0 ? 100000 : 200;
      // Overloaded is the back-pressure that slows this loop down.
      const auto taken =
          subject.append(document(std::to_string(target)),
                         one(record(subject.actor(), seq++, std::string(size, 'x'))));
      require(taken || taken.error().code == log::errc::overloaded, "an append was refused");
      if (!taken) std::this_thread::yield();
    }
  };
  std::thread second(write, 1);
  write(0);
  return 0;
}

void append_until_committed(log::embedded::EmbeddedLog& subject, Listener& listener,
                            std::uint64_t seq) {
  const std::size_t before = listener.records().size();
  require(subject.append(document("a"), one(record(subject.actor(), seq))).has_value(),
          "an append was refused");
  require(listener.wait_for(before + 1).size() == before + 1, "an append was not committed");
}

/// Commits a few records, then the disk is full in the middle of a commit.
int disk_full(log::embedded::EmbeddedLog& subject, const std::filesystem::path& full_file,
              std::uint64_t writes_before) {
  test::TestExecutor executor;
  Listener listener;
  auto subscription = subject.subscribe(document("a"), executor, listener);
  const std::uint64_t first = subject.next_seq();
  for (std::uint64_t i = 0; i < writes_before; ++i) {
    append_until_committed(subject, listener, first + i);
  }
  std::ofstream(full_file) << "full";
  const std::uint64_t lost = first + writes_before;
  require(subject.append(document("a"), one(record(subject.actor(), lost))).has_value(), "refused");
  require(listener.wait_for_failed(1).size() == 1, "the full disk was not noticed");
  require(listener.why().code == log::errc::commit_unknown, "wrong code for the one under way");
  std::filesystem::remove(full_file);
  const auto refused = subject.append(document("a"), one(record(subject.actor(), lost + 1)));
  require(!refused && refused.error().code == log::errc::failed, "not failed");
  require(!subject.writable(), "still writable");
  executor.run_on([&] { subscription.reset(); });
  return 0;
}

/// Goes on until the first sync that fails.
int sync_failure(log::embedded::EmbeddedLog& subject) {
  test::TestExecutor executor;
  Listener listener;
  auto subscription = subject.subscribe(document("a"), executor, listener);
  std::uint64_t seq = 1;
  while (subject.append(document("a"), one(record(subject.actor(), seq)))) {
    require(listener.wait_for_answers(seq) == seq, "an append was not answered");
    if (!listener.wait_for_failed(0).empty()) break;
    require(++seq < 1000, "no sync failed");
  }
  require(listener.why().code == log::errc::commit_unknown, "wrong code for the one under way");
  require(!subject.writable(), "still writable");
  const auto refused = subject.append(document("a"), one(record(subject.actor(), seq + 1)));
  require(!refused && refused.error().code == log::errc::failed, "not failed");
  std::printf("%zu\n", listener.records().size());
  executor.run_on([&] { subscription.reset(); });
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  require(argc >= 3, "usage: MODE DIRECTORY [FULL_FILE]");
  const std::string mode = argv[1];
  log::embedded::EmbeddedLogOptions options;
  options.directory = argv[2];
  options.inflight_bytes_max = 4 << 20;
  options.memory_bytes_max = 4 << 20;  // small, so that flushes and compactions happen as well
  if (mode == "load-os") options.durability = log::embedded::durability::os;
  auto subject = log::embedded::EmbeddedLog::open(options);
  require(subject.has_value(), subject ? "" : subject.error().message.c_str());
  require(mode.substr(0, 9) != "disk-full" || argc == 4, "no name of the file that fills the disk");
  if (mode == "disk-full") return disk_full(**subject, argv[3], 20);
  if (mode == "disk-full-at-start") return disk_full(**subject, argv[3], 0);
  if (mode == "sync-failure") return sync_failure(**subject);
  return load(**subject);
}
