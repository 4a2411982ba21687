#pragma once

#include <cstdint>
#include <vector>

#include "common/process.h"
#include "load/dialect.h"
#include "load/fleet.h"
#include "load/histogram.h"

namespace weft::bench {

/// What one thread counted.
struct WorkerReport {
  struct Counts {
    std::uint64_t sent = 0, delivered = 0, acked = 0;
    std::uint64_t messages = 0;  ///< binary WebSocket messages received
    std::uint64_t reads = 0;     ///< that a server caused: its writes, unless several lay waiting
    std::uint64_t presence_sent = 0, presence_states = 0, presence_messages = 0;
    Counts operator-(const Counts& other) const;
    Counts& operator+=(const Counts& other);
  };
  Counts whole;   ///< warm-up and drain included
  Counts window;  ///< between the ends of the window
  std::uint64_t expected = 0, duplicates = 0, gaps = 0, malformed = 0, lost_connections = 0;
  std::uint64_t acks_expected = 0;
  std::uint64_t misplaced = 0;  ///< without a position, behind a later one, or acked out of turn
  ThreadUse use;                ///< during the window
  double drain_seconds = 0;
  Histogram latency;  ///< of edits that were due within the window
  Histogram ack_latency;
  Histogram presence_age;
};

/// One thread of the generator: drives the clients that the fleet gives it, on an epoll set of its
/// own, and checks that each receives every edit of the others exactly once and in order.
class Worker {
 public:
  Worker(Fleet& fleet, std::size_t thread);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// Connects, waits for fleet.begin_ns, sends and receives, drains. The body of the thread.
  void run();

  /// After run().
  const WorkerReport& report() const { return report_; }

 private:
  bool connect_all();
  bool start_one(Client& client);
  void begin_sending();
  void drive(std::int64_t until_ns);
  /// Sends the edits that are due; returns when the next one will be.
  std::int64_t send_due_edits();
  std::int64_t send_due_presence();
  void skip_to_own_slot();
  bool drain();
  void turn(std::int64_t wait_ns);
  void read_from(Client& client);
  void on_open(Client& client);
  void on_ready(Client& client);
  void on_message(Client& client, byte_view message);
  void on_text(Client& client, byte_view message);
  void on_acknowledged(Client& client, const SocketIoPacket& packet);
  void take_version(Client& client, std::optional<std::uint64_t> version);
  void on_range(Client& receiver, std::uint64_t id, std::uint64_t clock, std::uint64_t end);
  void on_presence(Client& receiver, std::uint64_t id, std::uint64_t clock);
  void settle_edits(Client& sender);
  void count_latency(std::int64_t sent_ns);
  void settle_latency();
  void queue(Client& client, opcode op = opcode::binary);
  void queue_text(Client& client, std::string_view text);
  void queue_edit(Client& client, std::int64_t sent_ns);
  void start_message(Client& client, std::optional<std::uint64_t> ack = std::nullopt);
  void announce(Client& client, std::optional<std::uint64_t> ack);
  void mark_dirty(Client& client);
  void flush_dirty();
  void flush(Client& client);
  void lose(Client& client);
  void watch(Client& client, bool readable, bool writable, int operation);

  std::uint64_t edits_in(std::uint64_t clocks) const {
    return fleet_.options.edit_chars == 1 ? clocks : clocks / fleet_.options.edit_chars;
  }
  bool acknowledges() const { return options_.spoken == dialect::socketio; }
  bool in_window(std::int64_t ns) const { return ns >= window_begin_ns_ && ns < window_end_ns_; }

  Fleet& fleet_;
  const LoadOptions& options_;
  const std::size_t thread_;
  WorkerReport report_;
  WorkerReport::Counts counts_;
  std::uint32_t mask_state_;
  int epoll_ = -1;
  std::vector<Client*> own_;
  std::vector<Client*> dirty_;
  std::size_t ready_ = 0;
  std::size_t pending_ = 0;  ///< connecting, not yet ready
  byte_vector read_buffer_;
  byte_vector message_;
  std::int64_t now_ = 0;
  bool stopped_ = true;  ///< no new edits
  std::int64_t window_begin_ns_ = INT64_MAX;
  std::int64_t window_end_ns_ = INT64_MAX;
  double interval_ns_ = 0;
  std::uint64_t slot_ = 0;              ///< rate: of the whole fleet's schedule, the next of ours
  std::size_t next_presence_ = 0;       ///< in own_: whose turn it is
  std::int64_t latency_run_sent_ = -1;  ///< deliveries of one read that were sent at one time…
  std::uint64_t latency_run_ = 0;       ///< …are counted together
};

}  // namespace weft::bench
