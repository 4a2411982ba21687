#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "load/generator.h"

namespace {

int usage() {
  std::fputs(
      "usage: ws_load --url-pattern ws://IPV4:PORT/{doc} --docs D --clients-per-doc N\n"
      "               (--rate UPDATES_PER_SECOND | --flat IN_FLIGHT | --idle)\n"
      "               [--doc-prefix P] [--writers-per-doc W] [--sync y | none] [--warmup S]\n"
      "               [--seconds S] [--server-pid PID]\n"
      "Prints one JSON object.\n",
      stderr);
  return 2;
}

void print(const weft::bench::LoadReport& r, bool connected) {
  const double cpu_us = r.window_delivered == 0
                            ? 0
                            : r.server_cpu_seconds * 1e6 / static_cast<double>(r.window_delivered);
  const double seconds = r.window_seconds > 0 ? r.window_seconds : 1;
  const double own_cores = r.own_cpu_seconds / seconds;
  std::printf("{\"connected\":%s,\"connections\":%zu,\"connect_seconds\":%.3f,",
              connected ? "true" : "false", r.connections, r.connect_seconds);
  std::printf("\"sent\":%lu,\"delivered\":%lu,\"expected\":%lu,\"complete\":%s,", r.sent,
              r.delivered, r.expected, r.complete() ? "true" : "false");
  std::printf("\"duplicates\":%lu,\"gaps\":%lu,\"malformed\":%lu,\"lost_connections\":%lu,",
              r.duplicates, r.gaps, r.malformed, r.lost_connections);
  std::printf("\"window_seconds\":%.3f,\"sent_per_second\":%.1f,\"delivered_per_second\":%.1f,",
              r.window_seconds, static_cast<double>(r.window_sent) / seconds,
              static_cast<double>(r.window_delivered) / seconds);
  std::printf("\"messages_per_second\":%.1f,\"drain_seconds\":%.3f,",
              static_cast<double>(r.window_messages) / seconds, r.drain_seconds);
  std::printf("\"p50_ms\":%.3f,\"p99_ms\":%.3f,", r.p50_ms, r.p99_ms);
  std::printf("\"server_cpu_us_per_delivery\":%.3f,\"server_cores\":%.3f,", cpu_us,
              r.server_cpu_seconds / seconds);
  std::printf("\"generator_cpu_seconds\":%.3f,\"generator_cores\":%.3f,\"void\":%s,",
              r.own_cpu_seconds, own_cores, own_cores > 0.95 ? "true" : "false");
  std::printf("\"deliveries_per_read\":%.2f,",
              r.window_reads == 0
                  ? 0.0
                  : static_cast<double>(r.window_delivered) / static_cast<double>(r.window_reads));
  std::printf("\"other_cores\":%.3f,", r.other_cores);
  std::printf("\"steal_cores\":%.3f,\"server_rss_before\":%zu,\"server_rss\":%zu,", r.steal_cores,
              r.server_before.rss_bytes, r.server_after.rss_bytes);
  std::printf("\"server_anon_before\":%zu,\"server_anon\":%zu}\n", r.server_before.anon_bytes,
              r.server_after.anon_bytes);
}

}  // namespace

int main(int argc, char** argv) {
  weft::bench::LoadOptions options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    if (name == "--idle") {
      options.idle = true;
      continue;
    }
    if (++i == argc) return usage();
    const char* value = argv[i];
    const auto count = static_cast<std::size_t>(std::strtoull(value, nullptr, 10));
    const double real = std::strtod(value, nullptr);
    if (name == "--url-pattern")
      options.url_pattern = value;
    else if (name == "--doc-prefix")
      options.doc_prefix = value;
    else if (name == "--docs")
      options.docs = count;
    else if (name == "--clients-per-doc")
      options.clients_per_doc = count;
    else if (name == "--writers-per-doc")
      options.writers_per_doc = count;
    else if (name == "--sync")
      options.sync = std::string_view(value) == "y";
    else if (name == "--rate")
      options.rate = real;
    else if (name == "--flat")
      options.flat = count;
    else if (name == "--warmup")
      options.warmup_seconds = real;
    else if (name == "--seconds")
      options.seconds = real;
    else if (name == "--server-pid")
      options.server_pid = static_cast<pid_t>(count);
    else
      return usage();
  }
  const int modes = (options.rate > 0) + (options.flat > 0) + options.idle;
  if (options.url_pattern.empty() || modes != 1 || options.docs == 0 ||
      options.clients_per_doc < 1 || options.writers_per_doc > options.clients_per_doc) {
    return usage();
  }
  std::signal(SIGPIPE, SIG_IGN);
  weft::bench::raise_file_limit();
  weft::bench::Generator generator(options);
  weft::bench::LoadReport report;
  const bool connected = generator.run(report);
  print(report, connected);
  return connected && report.complete() ? 0 : 1;
}
