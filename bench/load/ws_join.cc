#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <string_view>
#include <vector>

#include "common/process.h"
#include "load/connection.h"
#include "load/dialect.h"
#include "load/skimmer.h"

// Measures joins: from connect() until the SyncStep2 has arrived whole. A server may send a large
// document as several Update messages before it; all their bytes count.

namespace {

using namespace weft::bench;

struct Joiner {
  Connection link;
  Skimmer skimmer;
  std::size_t bytes = 0;
  double ms = 0;
  bool asked = false;
  bool done = false;
};

struct JoinOptions {
  Url url;
  dialect spoken = dialect::y;
  std::size_t clients = 1;
  pid_t server_pid = 0;
};

int usage() {
  std::fputs(
      "usage: ws_join --url ws://IPV4:PORT/DOC [--dialect y | hocuspocus] [--clients N]\n"
      "               [--server-pid PID]\n",
      stderr);
  return 2;
}

/// Adds up the updates in one message; true when it ends the sync.
bool take_message(Joiner& joiner, dialect spoken, byte_view head, std::size_t message_bytes) {
  bool synced = false;
  if (head.size() == message_bytes) {
    read_messages(head, spoken, [&](message_kind kind, byte_view body) {
      if (kind != message_kind::update && kind != message_kind::step2) return;
      joiner.bytes += body.size();
      synced = synced || kind == message_kind::step2;
    });
    return synced;
  }
  // Only the beginning was kept: one update, which fills the message.
  Reader in(head);
  if (spoken == dialect::hocuspocus) in.var_bytes();
  if (in.var_uint() != 0) return false;
  const std::uint64_t step = in.var_uint();
  const std::uint64_t body_bytes = in.var_uint();
  const auto at = static_cast<std::size_t>(in.at - head.data());
  if (in.failed || step == 0 || at + body_bytes != message_bytes) return false;
  joiner.bytes += body_bytes;
  return step == 1;
}

/// Asks for the whole document; false on a socket error.
bool ask(Joiner& joiner, const JoinOptions& options) {
  constexpr std::uint32_t key = 0x5a5a5a5a;
  joiner.asked = true;
  const std::string_view name = std::string_view(options.url.path).substr(1);
  byte_vector message;
  if (append_greeting(message, options.spoken, name)) joiner.link.queue(message, key);
  message.clear();
  append_head(message, options.spoken, name);
  append_step1(message);
  joiner.link.queue(message, key);
  return joiner.link.flush();
}

/// Joins with all clients at once. False, with a message, when one could not.
bool join_all(const JoinOptions& options, std::deque<Joiner>& joiners) {
  const int epoll = epoll_create1(0);
  byte_vector buffer(1 << 20);
  const std::int64_t begin = now_ns();
  for (Joiner& joiner : joiners) {
    epoll_event event{};
    event.events = EPOLLIN | EPOLLOUT;
    event.data.ptr = &joiner;
    if (!joiner.link.start(options.url, options.url.path) ||
        epoll_ctl(epoll, EPOLL_CTL_ADD, joiner.link.fd(), &event) != 0) {
      std::perror("connect");
      close(epoll);
      return false;
    }
  }
  std::size_t open = joiners.size();
  const char* failure = nullptr;
  while (open > 0 && failure == nullptr) {
    epoll_event events[64];
    const int n = epoll_wait(epoll, events, 64, 60'000);
    if (n <= 0) failure = "nothing arrived for 60 s";
    for (int i = 0; i < n; ++i) {
      Joiner& joiner = *static_cast<Joiner*>(events[i].data.ptr);
      bool alive = joiner.link.flush();
      if ((events[i].events & ~static_cast<std::uint32_t>(EPOLLOUT)) != 0 && alive) {
        const byte_view bytes = joiner.link.receive(buffer, alive);
        alive = joiner.skimmer.feed(bytes, [&](byte_view head, std::size_t message_bytes) {
          if (joiner.done || !take_message(joiner, options.spoken, head, message_bytes)) return;
          joiner.done = true;
          joiner.ms = static_cast<double>(now_ns() - begin) * 1e-6;
          --open;
        }) && alive;
      }
      if (joiner.link.is_open() && !joiner.asked) alive = ask(joiner, options) && alive;
      if (!alive && !joiner.done) failure = "the server closed the connection";
      epoll_event event{};
      event.events =
          EPOLLIN | (joiner.link.has_unsent() ? static_cast<std::uint32_t>(EPOLLOUT) : 0U);
      event.data.ptr = &joiner;
      epoll_ctl(epoll, joiner.done ? EPOLL_CTL_DEL : EPOLL_CTL_MOD, joiner.link.fd(), &event);
    }
  }
  close(epoll);
  if (failure != nullptr) std::fprintf(stderr, "ws_join: %s\n", failure);
  return failure == nullptr;
}

}  // namespace

int main(int argc, char** argv) {
  std::string_view url_text;
  JoinOptions options;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view name = argv[i];
    if (name == "--url")
      url_text = argv[i + 1];
    else if (name == "--clients")
      options.clients = std::strtoull(argv[i + 1], nullptr, 10);
    else if (name == "--server-pid")
      options.server_pid = std::atoi(argv[i + 1]);
    else if (name != "--dialect" || !parse_dialect(argv[i + 1], options.spoken))
      return usage();
  }
  if (options.spoken == dialect::socketio) return usage();  // joins are measured without
  if (argc % 2 == 0 || options.clients == 0 || !parse_url(url_text, options.url)) return usage();
  std::signal(SIGPIPE, SIG_IGN);
  raise_file_limit();

  std::deque<Joiner> joiners(options.clients);
  reset_rss_peak(options.server_pid);
  const ProcessUse before = process_use(options.server_pid);
  const MachineUse machine_before = machine_use();
  const std::int64_t begin = now_ns();
  const ProcessUse own_before = process_use(getpid());
  if (!join_all(options, joiners)) return 1;
  const double seconds = static_cast<double>(now_ns() - begin) * 1e-9;
  const ProcessUse after = process_use(options.server_pid);
  const MachineUse machine_after = machine_use();

  std::vector<double> ms;
  std::size_t bytes = 0;
  for (const Joiner& joiner : joiners) {
    ms.push_back(joiner.ms);
    bytes += joiner.bytes;
  }
  std::sort(ms.begin(), ms.end());
  const auto quantile = [&](double q) {
    const double rank = std::ceil(q * static_cast<double>(ms.size()));
    return ms[static_cast<std::size_t>(std::max(rank, 1.0)) - 1];
  };
  std::printf(
      "{\"clients\":%zu,\"bytes_per_client\":%zu,\"first_ms\":%.3f,\"median_ms\":%.3f,"
      "\"p99_ms\":%.3f,\"last_ms\":%.3f,\"server_cpu_ms\":%.3f,\"generator_cpu_ms\":%.3f,"
      "\"server_rss_before\":%zu,\"server_rss\":%zu,\"server_rss_peak\":%zu,"
      "\"steal_cores\":%.3f}\n",
      options.clients, bytes / options.clients, ms.front(), quantile(0.5), quantile(0.99),
      ms.back(), (after.cpu_seconds - before.cpu_seconds) * 1e3,
      (process_use(getpid()).cpu_seconds - own_before.cpu_seconds) * 1e3, before.rss_bytes,
      after.rss_bytes, after.peak_bytes,
      (machine_after.steal_seconds - machine_before.steal_seconds) / seconds);
  return 0;
}
