#include "common/process.h"

#include <sys/resource.h>
#include <unistd.h>

#include <ctime>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>

namespace weft::bench {

std::int64_t now_ns() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<std::int64_t>(t.tv_sec) * 1'000'000'000 + t.tv_nsec;
}

ProcessUse process_use(pid_t pid) {
  ProcessUse use;
  // The CPU clock of a process counts the same as utime + stime in /proc/PID/stat, but in
  // nanoseconds where that has ticks of 10 ms.
  clockid_t clock{};
  timespec t{};
  if (clock_getcpuclockid(pid, &clock) == 0 && clock_gettime(clock, &t) == 0) {
    use.cpu_seconds = static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
  }
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  std::string word;
  while (status >> word) {
    std::size_t kib = 0;
    if (word == "VmRSS:" && status >> kib) use.rss_bytes = kib * 1024;
    if (word == "VmHWM:" && status >> kib) use.peak_bytes = kib * 1024;
    if (word == "RssAnon:" && status >> kib) use.anon_bytes = kib * 1024;
  }
  return use;
}

namespace {

/// A task's schedstat: nanoseconds it ran, nanoseconds it waited for a core, time slices.
ThreadUse read_schedstat(const std::string& path) {
  std::ifstream file(path);
  double ran = 0;
  double queued = 0;
  file >> ran >> queued;
  return {ran * 1e-9, queued * 1e-9};
}

}  // namespace

std::map<pid_t, ThreadUse> thread_uses(pid_t pid) {
  std::map<pid_t, ThreadUse> uses;
  const std::string tasks = "/proc/" + std::to_string(pid) + "/task";
  std::error_code gone;
  for (const auto& task : std::filesystem::directory_iterator(tasks, gone)) {
    const std::string id = task.path().filename().string();
    uses[std::stoi(id)] = read_schedstat(tasks + "/" + id + "/schedstat");
  }
  return uses;
}

ThreadUse own_thread_use() { return read_schedstat("/proc/thread-self/schedstat"); }

bool reset_rss_peak(pid_t pid) {
  std::ofstream file("/proc/" + std::to_string(pid) + "/clear_refs");
  file << "5" << std::flush;
  return file.good();
}

MachineUse machine_use() {
  // cpu user nice system idle iowait irq softirq steal (guest time is part of user)
  std::ifstream stat("/proc/stat");
  std::string word;
  stat >> word;
  double ticks[8] = {};
  for (double& field : ticks) stat >> field;
  const double tick_seconds = 1.0 / static_cast<double>(sysconf(_SC_CLK_TCK));
  MachineUse use;
  use.busy_seconds = (ticks[0] + ticks[1] + ticks[2] + ticks[5] + ticks[6]) * tick_seconds;
  use.steal_seconds = ticks[7] * tick_seconds;
  return use;
}

void raise_file_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace weft::bench
