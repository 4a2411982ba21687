#pragma once

#include <sys/types.h>

#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "support/temporary_directory.h"

namespace weft::test {

/// A Kafka of one process (KRaft) in a scratch directory on free ports of this machine.
///
/// Made of the jars that `./dev setup test` brings. Ends with the test, whatever becomes of it.
class KafkaBroker {
 public:
  /// Starts it and waits until it serves. Check running().
  KafkaBroker();
  ~KafkaBroker();
  KafkaBroker(const KafkaBroker&) = delete;
  KafkaBroker& operator=(const KafkaBroker&) = delete;

  bool running() const { return process_ != 0; }
  /// As `bootstrap.servers` wants it.
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

  /// Ends it at once, as a crash does. What the operating system holds is not lost.
  void kill();
  /// Starts it again on the same data and port; false when it does not come up.
  bool start();
  /// Takes all but the first batch of records from a partition, as a power loss may that comes
  /// before they are on the disk. While it is killed; false when there is nothing to be taken.
  bool forget_records(const std::string& topic, int partition);
  /// Stops its threads where they are, and lets them go on.
  void pause();
  void go_on();

  /// What it said last, for a test that failed.
  std::string last_words() const;

 private:
  std::vector<std::string> java(const std::string& main_class) const;
  pid_t spawn(const std::vector<std::string>& arguments);
  void listen_to(int output);
  bool format();

  TemporaryDirectory directory_;
  int port_ = 0;
  int controller_port_ = 0;
  pid_t process_ = 0;
  std::thread reader_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool started_ = false;
  bool ended_ = false;
  std::string said_;
};

}  // namespace weft::test
