#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <string_view>
#include <vector>

#include "common/process.h"
#include "load/connection.h"

// Measures a join: from connect() until the SyncStep2 has arrived whole. A server may send a large
// document as several Update messages before it; all their bytes count.

namespace {

using namespace weft::bench;

struct Joiner {
  Connection link;
  std::size_t bytes = 0;
  double ms = 0;
  bool asked = false;
  bool done = false;
};

int usage() {
  std::fputs("usage: ws_join --url ws://IPV4:PORT/DOC [--clients N] [--server-pid PID]\n", stderr);
  return 2;
}

/// Adds up the updates in one message; true when it ends the sync.
bool take_message(Joiner& joiner, byte_view message) {
  Reader in(message);
  bool synced = false;
  while (!in.empty() && !in.failed) {
    const std::uint64_t type = in.var_uint();
    const std::uint64_t step = type == 0 ? in.var_uint() : 0;
    if (type == 3) continue;
    const byte_view body = in.var_bytes();
    if (type != 0 || step == 0) continue;
    joiner.bytes += body.size();
    synced = synced || step == 1;
  }
  return synced;
}

}  // namespace

int main(int argc, char** argv) {
  std::string_view url_text;
  std::size_t clients = 1;
  pid_t pid = 0;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view name = argv[i];
    if (name == "--url")
      url_text = argv[i + 1];
    else if (name == "--clients")
      clients = std::strtoull(argv[i + 1], nullptr, 10);
    else if (name == "--server-pid")
      pid = std::atoi(argv[i + 1]);
    else
      return usage();
  }
  Url url;
  if (argc % 2 == 0 || clients == 0 || !parse_url(url_text, url)) return usage();

  const int epoll = epoll_create1(0);
  std::deque<Joiner> joiners(clients);
  byte_vector buffer(1 << 20);
  const ProcessUse before = process_use(pid);
  const ProcessUse own_before = process_use(getpid());
  const std::int64_t begin = now_ns();
  for (std::size_t i = 0; i < clients; ++i) {
    epoll_event event{};
    event.events = EPOLLIN | EPOLLOUT;
    event.data.u64 = i;
    if (!joiners[i].link.start(url, url.path) ||
        epoll_ctl(epoll, EPOLL_CTL_ADD, joiners[i].link.fd(), &event) != 0) {
      std::perror("connect");
      return 1;
    }
  }
  std::size_t open = clients;
  while (open > 0) {
    epoll_event events[64];
    const int n = epoll_wait(epoll, events, 64, 60'000);
    if (n <= 0) {
      std::fputs("ws_join: nothing arrived for 60 s\n", stderr);
      return 1;
    }
    for (int i = 0; i < n; ++i) {
      Joiner& joiner = joiners[events[i].data.u64];
      bool alive = joiner.link.flush();
      if ((events[i].events & ~static_cast<std::uint32_t>(EPOLLOUT)) != 0) {
        alive = joiner.link.read(buffer, [&](byte_view message) {
          if (!take_message(joiner, message) || joiner.done) return;
          joiner.done = true;
          joiner.ms = static_cast<double>(now_ns() - begin) * 1e-6;
          --open;
        });
      }
      if (joiner.link.is_open() && !joiner.asked) {
        joiner.asked = true;
        joiner.link.queue(std::vector<std::uint8_t>{0, 0, 1, 0}, 0x5a5a5a5a);
        alive = joiner.link.flush() && alive;
      }
      if (!alive && !joiner.done) {
        std::fputs("ws_join: the server closed the connection\n", stderr);
        return 1;
      }
      epoll_event event{};
      event.events =
          EPOLLIN | (joiner.link.has_unsent() ? static_cast<std::uint32_t>(EPOLLOUT) : 0U);
      event.data.u64 = events[i].data.u64;
      epoll_ctl(epoll, joiner.done ? EPOLL_CTL_DEL : EPOLL_CTL_MOD, joiner.link.fd(), &event);
    }
  }
  std::vector<double> ms;
  std::size_t bytes = 0;
  for (const Joiner& joiner : joiners) {
    ms.push_back(joiner.ms);
    bytes += joiner.bytes;
  }
  std::sort(ms.begin(), ms.end());
  const double own = process_use(getpid()).cpu_seconds - own_before.cpu_seconds;
  std::printf(
      "{\"clients\":%zu,\"bytes_per_client\":%zu,\"first_ms\":%.3f,\"median_ms\":%.3f,"
      "\"last_ms\":%.3f,\"server_cpu_ms\":%.3f,\"generator_cpu_ms\":%.3f}\n",
      clients, bytes / clients, ms.front(), ms[ms.size() / 2], ms.back(),
      (process_use(pid).cpu_seconds - before.cpu_seconds) * 1e3, own * 1e3);
  close(epoll);
  return 0;
}
