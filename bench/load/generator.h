#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "common/process.h"
#include "common/wire.h"
#include "load/connection.h"

namespace weft::bench {

struct LoadOptions {
  std::string url_pattern;  ///< ws://IPV4:PORT/…{doc}…
  std::string doc_prefix = "bench";
  std::size_t docs = 1;
  std::size_t clients_per_doc = 2;
  std::size_t writers_per_doc = 0;  ///< 0: every client writes
  bool sync = true;                 ///< speak the y-protocols handshake; off for a raw server
  double rate = 0;                  ///< updates a second in total, on a fixed schedule
  std::size_t flat = 0;             ///< updates in flight per writer
  bool idle = false;                ///< connect, settle, weigh
  double warmup_seconds = 1;
  double seconds = 5;
  double drain_seconds = 15;  ///< give up when nothing arrives for so long
  pid_t server_pid = 0;
};

/// Counts by logarithmic buckets, each 1/32 of a power of two wide: a quantile is within 3 %.
class Histogram {
 public:
  void add(std::int64_t ns);
  /// Milliseconds below which the share `q` of the values lies; 0 when there are none.
  double quantile_ms(double q) const;
  std::uint64_t count() const { return count_; }

 private:
  static constexpr int sub_bits = 5;
  std::array<std::uint64_t, 64 << sub_bits> buckets_{};
  std::uint64_t count_ = 0;
};

struct LoadReport {
  std::size_t connections = 0;
  double connect_seconds = 0;
  std::uint64_t sent = 0, delivered = 0, expected = 0;  ///< whole run, warm-up and drain included
  std::uint64_t duplicates = 0, gaps = 0, malformed = 0, lost_connections = 0;
  std::uint64_t window_sent = 0, window_delivered = 0, window_messages = 0, window_reads = 0;
  double window_seconds = 0, server_cpu_seconds = 0, own_cpu_seconds = 0, steal_cores = 0;
  double other_cores = 0;  ///< used by neither the server nor the generator
  double drain_seconds = 0;
  ProcessUse server_before, server_after;  ///< before the first connection; at the end
  double p50_ms = 0, p99_ms = 0;
  bool complete() const {
    return delivered == expected && gaps == 0 && malformed == 0 && lost_connections == 0;
  }
};

/// Drives many y-websocket clients from one thread and checks that each receives every edit of
/// the others exactly once and in order.
class Generator {
 public:
  explicit Generator(LoadOptions options);
  ~Generator();
  Generator(const Generator&) = delete;
  Generator& operator=(const Generator&) = delete;

  /// Runs the whole cell. False when the connections could not be made.
  bool run(LoadReport& report);

 private:
  struct Client {
    Connection link;
    std::size_t index = 0;  ///< in all clients
    std::size_t doc = 0;
    std::size_t place = 0;  ///< in its document
    bool ready = false;
    bool lost = false;
    bool waits_for_write = false;
    bool queued = false;                  ///< is in dirty_
    std::size_t credit = 0;               ///< flat: edits it may send now
    std::vector<std::int64_t> sent_ns;    ///< by clock: when the edit was (to be) sent
    std::vector<std::uint32_t> received;  ///< by sender's place: next clock expected from it
  };

  bool connect_all();
  bool start_one(Client& client);
  void settle(double seconds);
  void drive(std::int64_t until_ns);
  bool drain();
  void turn(std::int64_t wait_ns);
  void read_from(Client& client);
  void on_range(Client& receiver, std::uint64_t id, std::uint64_t clock, std::uint64_t end);
  void queue_edit(Client& client, std::int64_t sent_ns);
  void mark_dirty(Client& client);
  void flush_dirty();
  void flush(Client& client);
  void lose(Client& client);
  Client& at(std::size_t doc, std::size_t place) {
    return clients_[doc * options_.clients_per_doc + place];
  }

  LoadOptions options_;
  LoadReport report_;
  Url server_;
  std::uint64_t first_id_;
  std::uint32_t mask_state_;
  int epoll_ = -1;
  std::deque<Client> clients_;
  std::size_t ready_ = 0;
  std::size_t pending_ = 0;  ///< connecting, not yet ready
  std::vector<Client*> dirty_;
  byte_vector read_buffer_;
  byte_vector message_;
  std::int64_t now_ = 0;
  bool stopped_ = false;  ///< no new edits: drain
  double interval_ns_ = 0;
  double next_send_ns_ = 0;
  std::size_t next_writer_ = 0;
  std::int64_t window_begin_ns_ = INT64_MAX;
  std::int64_t window_end_ns_ = INT64_MAX;
  std::uint64_t messages_ = 0;
  std::uint64_t reads_ = 0;  ///< reads that a server caused: its writes, unless several lay waiting
  Histogram latency_;
};

}  // namespace weft::bench
