#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <map>

namespace weft::bench {

/// Nanoseconds of the monotonic clock.
std::int64_t now_ns();

/// What one process has used so far. Zero fields when the process is gone.
struct ProcessUse {
  double cpu_seconds = 0;      ///< all threads, user and system
  std::size_t rss_bytes = 0;   ///< VmRSS
  std::size_t anon_bytes = 0;  ///< RssAnon: memory the program itself asked for
  std::size_t peak_bytes = 0;  ///< VmHWM: the most that rss_bytes was, since reset_rss_peak
};
ProcessUse process_use(pid_t pid);

/// What one thread has done with its time so far; the rest it slept.
struct ThreadUse {
  double ran_seconds = 0;
  double queued_seconds = 0;  ///< had work, and no core was free
};
/// By thread id, all threads of a process.
std::map<pid_t, ThreadUse> thread_uses(pid_t pid);
/// Of the calling thread.
ThreadUse own_thread_use();

/// Starts to count the peak of a process' resident memory anew. False when that is not allowed.
bool reset_rss_peak(pid_t pid);

/// CPU seconds of this machine since boot, summed over its cores.
struct MachineUse {
  double busy_seconds = 0;   ///< spent by any process, interrupts included
  double steal_seconds = 0;  ///< kept by the hypervisor
};
MachineUse machine_use();

/// Lets this process open as many files as the hard limit allows.
void raise_file_limit();

}  // namespace weft::bench
