#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "load/generator.h"

namespace {

int usage() {
  std::fputs(
      "usage: ws_load --url-pattern ws://IPV4:PORT/{doc} --docs D --clients-per-doc N\n"
      "               (--rate EDITS_PER_SECOND | --flat IN_FLIGHT | --idle)\n"
      "               [--doc-prefix P] [--dialect none | y | hocuspocus | socketio]\n"
      "               [--threads T] [--edit-chars C] [--stalled-per-doc S] [--presence-hz H]\n"
      "               [--warmup S] [--seconds S] [--server-pid PID]\n"
      "In the dialect socketio there is no presence.\n"
      "Prints one JSON object.\n",
      stderr);
  return 2;
}

double per_second(std::uint64_t count, double seconds) {
  return seconds > 0 ? static_cast<double>(count) / seconds : 0;
}

double ratio(double above, std::uint64_t below) {
  return below == 0 ? 0 : above / static_cast<double>(below);
}

const char* name_of(weft::bench::limit limited_by) {
  switch (limited_by) {
    case weft::bench::limit::server:
      return "server";
    case weft::bench::limit::generator:
      return "generator";
    case weft::bench::limit::cores:
      return "cores";
  }
  return "";
}

void print_threads(const weft::bench::LoadReport& r) {
  std::fputs("\"generator_threads\":[", stdout);
  const char* separator = "";
  for (const auto& use : r.threads) {
    std::printf("%s{\"cores\":%.3f,\"queued\":%.3f}", separator, use.ran_seconds / r.window_seconds,
                use.queued_seconds / r.window_seconds);
    separator = ",";
  }
  std::fputs("],", stdout);
}

void print_window(const weft::bench::LoadReport& r, const weft::bench::LoadOptions& options) {
  const auto& window = r.all.window;
  const double seconds = r.window_seconds;
  std::printf("\"window_seconds\":%.3f,\"sent_per_second\":%.1f,\"delivered_per_second\":%.1f,",
              seconds, per_second(window.sent, seconds), per_second(window.delivered, seconds));
  std::printf("\"messages_per_second\":%.1f,\"drain_seconds\":%.3f,",
              per_second(window.messages, seconds), r.all.drain_seconds);
  std::printf("\"p50_ms\":%.3f,\"p99_ms\":%.3f,", r.all.latency.quantile_ms(0.5),
              r.all.latency.quantile_ms(0.99));
  std::printf("\"server_cpu_us_per_delivery\":%.4f,\"server_cores\":%.3f,\"server_busy\":%.3f,",
              ratio(r.server_cpu_seconds * 1e6, window.delivered), r.server_cpu_seconds / seconds,
              r.server_busy);
  std::printf("\"generator_cores\":%.3f,", r.own_cpu_seconds / seconds);
  print_threads(r);
  std::printf("\"limited_by\":\"%s\",\"void\":%s,", name_of(r.limited_by()),
              r.limited_by() == weft::bench::limit::server ? "false" : "true");
  std::printf("\"deliveries_per_read\":%.2f,",
              ratio(static_cast<double>(window.delivered), window.reads));
  std::printf("\"other_cores\":%.3f,\"steal_cores\":%.3f,", r.other_cores, r.steal_cores);
  if (options.spoken == weft::bench::dialect::socketio) {
    std::printf("\"acked_per_second\":%.1f,\"ack_p50_ms\":%.3f,\"ack_p99_ms\":%.3f,",
                per_second(window.acked, seconds), r.all.ack_latency.quantile_ms(0.5),
                r.all.ack_latency.quantile_ms(0.99));
  }
  if (options.presence_hz <= 0) return;
  std::printf("\"presence_sent_per_second\":%.1f,\"presence_states_per_second\":%.1f,",
              per_second(window.presence_sent, seconds),
              per_second(window.presence_states, seconds));
  std::printf("\"presence_messages_per_second\":%.1f,",
              per_second(window.presence_messages, seconds));
  std::printf("\"presence_p50_ms\":%.3f,\"presence_p99_ms\":%.3f,",
              r.all.presence_age.quantile_ms(0.5), r.all.presence_age.quantile_ms(0.99));
}

void print(const weft::bench::LoadReport& r, const weft::bench::LoadOptions& options,
           bool connected) {
  std::printf("{\"connected\":%s,\"connections\":%zu,\"connect_seconds\":%.3f,",
              connected ? "true" : "false", r.connections, r.connect_seconds);
  std::printf("\"sent\":%lu,\"delivered\":%lu,\"expected\":%lu,\"complete\":%s,", r.all.whole.sent,
              r.all.whole.delivered, r.all.expected, r.complete() ? "true" : "false");
  std::printf("\"acked\":%lu,\"acks_expected\":%lu,\"misplaced\":%lu,", r.all.whole.acked,
              r.all.acks_expected, r.all.misplaced);
  std::printf("\"duplicates\":%lu,\"gaps\":%lu,\"malformed\":%lu,\"lost_connections\":%lu,",
              r.all.duplicates, r.all.gaps, r.all.malformed, r.all.lost_connections);
  if (r.window_seconds > 0) print_window(r, options);
  std::printf("\"server_rss_before\":%zu,\"server_rss\":%zu,\"server_rss_peak\":%zu,",
              r.server_before.rss_bytes, r.server_after.rss_bytes, r.server_peak_bytes);
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
    else if (name == "--stalled-per-doc")
      options.stalled_per_doc = count;
    else if (name == "--edit-chars")
      options.edit_chars = count;
    else if (name == "--presence-hz")
      options.presence_hz = real;
    else if (name == "--threads")
      options.threads = count;
    else if (name == "--dialect" && weft::bench::parse_dialect(value, options.spoken))
      continue;
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
      options.clients_per_doc <= options.stalled_per_doc || options.edit_chars == 0 ||
      options.threads == 0 ||
      (options.spoken == weft::bench::dialect::socketio && options.presence_hz > 0)) {
    return usage();
  }
  std::signal(SIGPIPE, SIG_IGN);
  weft::bench::raise_file_limit();
  weft::bench::LoadReport report;
  const bool connected = weft::bench::run_load(options, report);
  print(report, options, connected);
  return connected && report.complete() ? 0 : 1;
}
