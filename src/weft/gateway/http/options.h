#pragma once

#include <chrono>
#include <cstddef>
#include <string>

namespace weft::gateway::http {

/// Bounds of the HTTP interface; every one is a configuration key of the same name.
struct HttpOptions {
  /// Origins whose pages may use the interface, comma-separated; "*": all; empty: only pages that
  /// come from the server's own address.
  std::string cors_origins;
  std::size_t batch_updates_max = 10'000;     ///< updates in one publish
  std::size_t page_bytes_max = 4u << 20;      ///< records in one page of history
  std::size_t replay_bytes_max = 512u << 20;  ///< log read for one state of the past
  std::size_t restore_bytes_max = 64u << 20;  ///< state of a document to restore a version in
  std::size_t typed_bytes_max = 32u << 20;    ///< state of a document that is read as JSON or text
  std::size_t reads_waiting_max = 1024;       ///< reads that wait for a thread; more are told 503
  std::size_t event_streams_max = 10'000;     ///< open event streams; more are told 503
  std::size_t awareness_bytes_max = 256u << 10;       ///< one awareness update that is posted
  std::size_t event_ring_bytes_max = 1u << 20;        ///< events kept per document for slow readers
  std::chrono::milliseconds event_keepalive{15'000};  ///< a silent event stream says so this often
};

}  // namespace weft::gateway::http
