#include "load/generator.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <thread>

namespace weft::bench {

namespace {

void sleep_until(std::int64_t ns) {
  std::this_thread::sleep_for(std::chrono::nanoseconds(std::max<std::int64_t>(0, ns - now_ns())));
}

/// Share of `seconds` for which the busiest thread ran or wanted to.
double busiest(const std::map<pid_t, ThreadUse>& before, const std::map<pid_t, ThreadUse>& after,
               double seconds) {
  double most = 0;
  for (const auto& [id, use] : after) {
    const auto known = before.find(id);
    const ThreadUse from = known == before.end() ? ThreadUse{} : known->second;
    most = std::max(most,
                    use.ran_seconds - from.ran_seconds + use.queued_seconds - from.queued_seconds);
  }
  return most / seconds;
}

void add_up(const std::vector<std::unique_ptr<Worker>>& workers, LoadReport& report) {
  WorkerReport& all = report.all;
  for (const auto& worker : workers) {
    const WorkerReport& one = worker->report();
    all.whole += one.whole;
    all.window += one.window;
    all.expected += one.expected;
    all.duplicates += one.duplicates;
    all.gaps += one.gaps;
    all.malformed += one.malformed;
    all.acks_expected += one.acks_expected;
    all.misplaced += one.misplaced;
    all.lost_connections += one.lost_connections;
    all.drain_seconds = std::max(all.drain_seconds, one.drain_seconds);
    all.latency.add(one.latency);
    all.ack_latency.add(one.ack_latency);
    all.presence_age.add(one.presence_age);
    report.threads.push_back(one.use);
  }
}

void measure_window(const Fleet& fleet, LoadReport& report) {
  const pid_t server = fleet.options.server_pid;
  const std::int64_t begin =
      fleet.begin_ns + static_cast<std::int64_t>(fleet.options.warmup_seconds * 1e9);
  sleep_until(begin);
  const ProcessUse server_begin = process_use(server);
  const ProcessUse own_begin = process_use(getpid());
  const MachineUse machine_begin = machine_use();
  const auto threads_begin = thread_uses(server);
  const std::int64_t began = now_ns();
  sleep_until(begin + static_cast<std::int64_t>(fleet.options.seconds * 1e9));
  report.server_after = process_use(server);
  const ProcessUse own_end = process_use(getpid());
  const MachineUse machine_end = machine_use();
  report.window_seconds = static_cast<double>(now_ns() - began) * 1e-9;
  report.server_busy = busiest(threads_begin, thread_uses(server), report.window_seconds);
  report.server_cpu_seconds = report.server_after.cpu_seconds - server_begin.cpu_seconds;
  report.own_cpu_seconds = own_end.cpu_seconds - own_begin.cpu_seconds;
  report.steal_cores =
      (machine_end.steal_seconds - machine_begin.steal_seconds) / report.window_seconds;
  report.other_cores = (machine_end.busy_seconds - machine_begin.busy_seconds -
                        report.server_cpu_seconds - report.own_cpu_seconds) /
                       report.window_seconds;
}

}  // namespace

limit LoadReport::limited_by() const {
  limit found = limit::server;
  for (const ThreadUse& use : threads) {
    const double awake = (1 - slept_share_min) * window_seconds;
    if (use.ran_seconds > awake) return limit::generator;
    if (use.ran_seconds + use.queued_seconds > awake) found = limit::cores;
  }
  return found;
}

bool run_load(const LoadOptions& options, LoadReport& report) {
  Fleet fleet(options);
  if (!fleet.url_is_valid) return false;
  report.server_before = process_use(options.server_pid);
  reset_rss_peak(options.server_pid);
  const std::int64_t start = now_ns();
  std::vector<std::unique_ptr<Worker>> workers;
  std::vector<std::jthread> threads;
  for (std::size_t i = 0; i < fleet.threads; ++i) {
    workers.push_back(std::make_unique<Worker>(fleet, i));
  }
  for (const auto& worker : workers) threads.emplace_back([&worker] { worker->run(); });
  while (fleet.threads_ready < fleet.threads) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  report.connections = fleet.clients.size();
  report.connect_seconds = static_cast<double>(now_ns() - start) * 1e-9;
  if (!fleet.failed) {
    if (options.idle) {
      sleep_until(now_ns() + static_cast<std::int64_t>(options.seconds * 1e9));
      report.server_after = process_use(options.server_pid);
    }
    constexpr std::int64_t settle_ns = 20'000'000;
    fleet.begin_ns = now_ns() + settle_ns;
    if (!options.idle) measure_window(fleet, report);
  }
  threads.clear();
  report.server_peak_bytes = process_use(options.server_pid).peak_bytes;
  add_up(workers, report);
  return !fleet.failed;
}

}  // namespace weft::bench
