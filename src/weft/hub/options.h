#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace weft::hub {

/// Bounds and intervals of the hub; every one is a configuration key of the same name.
struct HubOptions {
  std::size_t update_bytes_max = 64u << 20;           ///< one edit
  std::size_t ring_bytes_max = 1u << 20;              ///< frames kept per document for slow readers
  std::size_t inflight_bytes_max = 8u << 20;          ///< unacknowledged edits per document
  std::size_t answer_slice_bytes = 4u << 20;          ///< larger sync answers are sent in parts
  std::size_t answer_private_bytes_min = 256u << 10;  ///< smaller diffs are sent as they are
  std::size_t compact_tail_bytes_min = 64u << 10;     ///< no compaction below this much news
  std::size_t compact_tail_records_max = 4096;
  std::size_t snapshot_bytes_min = 256u << 10;  ///< news that make a snapshot worth writing
  std::size_t awareness_state_bytes_max = 64u << 10;
  std::size_t awareness_clients_max = 10'000;         ///< per document
  std::size_t awareness_bytes_max = 16u << 20;        ///< all states of one document together
  std::size_t control_message_bytes_max = 64u << 10;  ///< one control message
  std::size_t control_bytes_max = 256u << 10;    ///< control messages that wait for one session
  std::chrono::milliseconds awareness_tick{30};  ///< presence is sent at most this often
  std::chrono::milliseconds keepalive_interval{12'000};  ///< a session hears something every two
  std::chrono::milliseconds idle_evict_after{30'000};
};

/// What a hub counts. Written by its executor, read by any thread.
struct HubCounters {
  std::atomic<std::uint64_t> documents_live{0};
  std::atomic<std::uint64_t> sessions{0};
  std::atomic<std::uint64_t> edits_accepted{0};
  std::atomic<std::uint64_t> edits_contained{0};
  std::atomic<std::uint64_t> edits_refused{0};
  std::atomic<std::uint64_t> edits_committed{0};
  std::atomic<std::uint64_t> append_failures{0};
  std::atomic<std::uint64_t> loads{0};
  std::atomic<std::uint64_t> load_failures{0};
  std::atomic<std::uint64_t> evictions{0};
  std::atomic<std::uint64_t> snapshots{0};
  std::atomic<std::uint64_t> snapshot_failures{0};
  std::atomic<std::uint64_t> compactions{0};
  std::atomic<std::uint64_t> catch_ups{0};
  std::atomic<std::uint64_t> catch_up_reads{0};
  std::atomic<std::uint64_t> awareness_updates{0};
  std::atomic<std::uint64_t> control_messages{0};
  std::atomic<std::uint64_t> control_dropped{0};  ///< by sessions that read too slowly
};

/// Adds to a counter that one thread writes: no locked instruction needed.
inline void count(std::atomic<std::uint64_t>& counter, std::uint64_t by = 1) {
  counter.store(counter.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
}
inline void uncount(std::atomic<std::uint64_t>& counter) {
  counter.store(counter.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed);
}

}  // namespace weft::hub
