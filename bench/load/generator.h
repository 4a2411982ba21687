#pragma once

#include <cstdint>
#include <vector>

#include "common/process.h"
#include "load/fleet.h"
#include "load/worker.h"

namespace weft::bench {

/// Who had work all the time.
enum class limit {
  server,     ///< every thread of the generator slept some of the time: the server was waited for
  generator,  ///< one of its threads ran nearly all the time
  cores,      ///< one of its threads had work nearly all the time and stood in line for a core
};

struct LoadReport {
  /// A thread that slept less than this share of the window was busy throughout.
  static constexpr double slept_share_min = 0.05;

  std::size_t connections = 0;
  double connect_seconds = 0;
  WorkerReport all;  ///< of all threads together
  std::vector<ThreadUse> threads;
  double window_seconds = 0, server_cpu_seconds = 0, own_cpu_seconds = 0, steal_cores = 0;
  double server_busy = 0;  ///< share of the window for which the server's busiest thread had work
  double other_cores = 0;  ///< used by neither the server nor the generator
  ProcessUse server_before, server_after;  ///< before the first connection; at the end
  std::size_t server_peak_bytes = 0;       ///< most resident memory, the drain included
  limit limited_by() const;
  bool complete() const {
    return all.whole.delivered == all.expected && all.whole.acked == all.acks_expected &&
           all.gaps == 0 && all.malformed == 0 && all.misplaced == 0 && all.lost_connections == 0;
  }
};

/// Runs one cell: lays out the clients, starts the threads, measures the server from outside.
/// False when the connections could not be made.
bool run_load(const LoadOptions& options, LoadReport& report);

}  // namespace weft::bench
