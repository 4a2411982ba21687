#include "raw/raw_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstring>

#include "common/process.h"

namespace weft::bench {

RawServer::~RawServer() {
  for (auto& [fd, c] : connections_) close(fd);
  for (const int fd : {wal_, listener_, epoll_}) {
    if (fd >= 0) close(fd);
  }
}

int RawServer::listen_on_port() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(options_.port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      listen(fd, 4096) != 0) {
    close(fd);
    return -1;
  }
  return fd;
}

int RawServer::run() {
  listener_ = listen_on_port();
  if (listener_ < 0) {
    std::perror("listen");
    return 1;
  }
  if (options_.mode == raw_mode::gather_wal) {
    wal_ = open(options_.path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600);
    if (wal_ < 0) {
      std::perror(options_.path.c_str());
      return 1;
    }
  }
  read_buffer_.resize(256 * 1024);
  epoll_ = epoll_create1(0);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = listener_;
  epoll_ctl(epoll_, EPOLL_CTL_ADD, listener_, &event);
  std::puts("ready");
  std::fflush(stdout);

  std::vector<epoll_event> events(1024);
  for (;;) {
    const int n = wait_for_events(events);
    for (int i = 0; i < n; ++i) {
      const int fd = events[i].data.fd;
      if (fd == listener_) {
        accept_all();
        continue;
      }
      Connection& c = *connections_.at(fd);
      if ((events[i].events & EPOLLOUT) != 0) flush_rest(c);
      if ((events[i].events & ~EPOLLOUT) != 0) read_from(c);
    }
    if (sync_when_due()) {
      for (Room* room : dirty_rooms_) flush_room(*room);
      dirty_rooms_.clear();
    }
    for (const int fd : broken_) drop(*connections_.at(fd));
    broken_.clear();
  }
}

int RawServer::wait_for_events(std::vector<epoll_event>& events) {
  constexpr std::int64_t second_ns = 1'000'000'000;
  timespec timeout{};
  const timespec* until = nullptr;
  if (!wal_batch_.empty()) {
    const std::int64_t due = synced_ns_ + options_.sync_interval_us * 1000;
    const std::int64_t wait = std::max<std::int64_t>(0, due - now_ns());
    timeout = {wait / second_ns, wait % second_ns};
    until = &timeout;
  }
  return epoll_pwait2(epoll_, events.data(), static_cast<int>(events.size()), until, nullptr);
}

bool RawServer::sync_when_due() {
  if (wal_batch_.empty()) return true;
  const std::int64_t now = now_ns();
  if (now < synced_ns_ + options_.sync_interval_us * 1000) return false;
  synced_ns_ = now;
  make_durable();
  return true;
}

void RawServer::accept_all() {
  for (;;) {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK);
    if (fd < 0) return;
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    auto c = std::make_unique<Connection>();
    c->fd = fd;
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
    connections_.emplace(fd, std::move(c));
  }
}

void RawServer::read_from(Connection& c) {
  const ssize_t n = recv(c.fd, read_buffer_.data(), read_buffer_.size(), 0);
  if (n <= 0) {
    if (n == 0 || errno != EAGAIN) {
      if (!c.broken) broken_.push_back(c.fd);
      c.broken = true;
    }
    return;
  }
  std::span<std::uint8_t> bytes(read_buffer_.data(), static_cast<std::size_t>(n));
  byte_vector joined;
  if (!c.in.empty() || !c.open) {
    joined.swap(c.in);
    joined.insert(joined.end(), bytes.begin(), bytes.end());
    if (!c.open && !handshake(c, joined)) {
      c.in = std::move(joined);
      return;
    }
    bytes = joined;
  }
  Frame frame;
  while (read_frame_header(bytes, frame) &&
         bytes.size() >= frame.header_bytes + frame.payload_bytes) {
    auto payload = bytes.subspan(frame.header_bytes, frame.payload_bytes);
    if (frame.masked) unmask(payload, frame.mask);
    take_frame(c, frame, payload);
    bytes = bytes.subspan(frame.header_bytes + frame.payload_bytes);
  }
  c.in.assign(bytes.begin(), bytes.end());
  if (c.in.empty()) byte_vector().swap(c.in);
}

bool RawServer::handshake(Connection& c, byte_vector& bytes) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const auto head_end = text.find("\r\n\r\n");
  if (head_end == std::string_view::npos) return false;
  const auto path_begin = text.find(' ') + 1;
  const std::string path(text.substr(path_begin, text.find(' ', path_begin) - path_begin));
  constexpr std::string_view header = "sec-websocket-key:";
  const auto same = [](char a, char b) { return (a | 0x20) == b || a == b; };
  const auto found = std::search(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(head_end),
                                 header.begin(), header.end(), same);
  std::string_view key =
      text.substr(static_cast<std::size_t>(found - text.begin()) + header.size());
  key = key.substr(0, key.find('\r'));
  while (key.starts_with(' ')) key.remove_prefix(1);
  const std::string answer =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Accept: " +
      accept_key(key) + "\r\n\r\n";
  keep_rest(c, {reinterpret_cast<const std::uint8_t*>(answer.data()), answer.size()});
  flush_rest(c);
  c.open = true;
  c.room = &rooms_[path];
  c.room->members.push_back(&c);
  bytes.erase(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(head_end + 4));
  return true;
}

void RawServer::take_frame(Connection& c, const Frame& frame, std::span<std::uint8_t> payload) {
  if (frame.op == opcode::close) {
    if (!c.broken) broken_.push_back(c.fd);
    c.broken = true;
    return;
  }
  if (frame.op != opcode::binary) return;
  if (options_.mode == raw_mode::file) {
    if (c.answered) return;
    c.answered = true;
    if (file_.empty()) load_file();
    c.shared = file_;
    flush_rest(c);
    return;
  }
  Room& room = *c.room;
  if (room.pieces.empty()) dirty_rooms_.push_back(&room);
  const std::size_t begin = room.frames.size();
  append_frame_header(room.frames, opcode::binary, payload.size());
  room.frames.insert(room.frames.end(), payload.begin(), payload.end());
  room.pieces.push_back({&c, begin, room.frames.size()});
  if (wal_ >= 0) {
    append_var_uint(wal_batch_, payload.size());
    wal_batch_.insert(wal_batch_.end(), payload.begin(), payload.end());
  }
}

void RawServer::make_durable() {
  const ssize_t n = write(wal_, wal_batch_.data(), wal_batch_.size());
  if (n != static_cast<ssize_t>(wal_batch_.size()) || fdatasync(wal_) != 0) {
    std::perror("wal");
    std::abort();
  }
  wal_batch_.clear();
}

void RawServer::flush_room(Room& room) {
  std::vector<iovec> parts;
  for (Connection* c : room.members) {
    parts.clear();
    std::size_t total = 0;
    for (const Piece& piece : room.pieces) {
      if (piece.sender == c) continue;
      std::uint8_t* begin = room.frames.data() + piece.begin;
      const std::size_t bytes = piece.end - piece.begin;
      total += bytes;
      if (!parts.empty() &&
          static_cast<std::uint8_t*>(parts.back().iov_base) + parts.back().iov_len == begin) {
        parts.back().iov_len += bytes;
      } else {
        parts.push_back({begin, bytes});
      }
    }
    if (parts.empty() || c->broken) continue;
    std::size_t written = 0;
    if (c->out.empty()) {
      const auto count = static_cast<int>(std::min<std::size_t>(parts.size(), IOV_MAX));
      const ssize_t n = writev(c->fd, parts.data(), count);
      if (n > 0) written = static_cast<std::size_t>(n);
      if (written == total) continue;
    }
    for (const iovec& part : parts) {
      const std::size_t skip = std::min(written, part.iov_len);
      written -= skip;
      keep_rest(*c, {static_cast<const std::uint8_t*>(part.iov_base) + skip, part.iov_len - skip});
    }
    flush_rest(*c);
  }
  room.frames.clear();
  room.pieces.clear();
}

void RawServer::keep_rest(Connection& c, byte_view bytes) {
  c.out.insert(c.out.end(), bytes.begin(), bytes.end());
}

void RawServer::flush_rest(Connection& c) {
  if (c.broken) return;
  if (!c.out.empty()) {
    const ssize_t n =
        send(c.fd, c.out.data() + c.out_sent, c.out.size() - c.out_sent, MSG_NOSIGNAL);
    if (n > 0) c.out_sent += static_cast<std::size_t>(n);
    if (c.out_sent == c.out.size()) {
      byte_vector().swap(c.out);
      c.out_sent = 0;
    }
  }
  if (c.out.empty() && !c.shared.empty()) {
    const ssize_t n = send(c.fd, c.shared.data(), c.shared.size(), MSG_NOSIGNAL);
    if (n > 0) c.shared = c.shared.subspan(static_cast<std::size_t>(n));
  }
  const bool wait = !c.out.empty() || !c.shared.empty();
  if (wait == c.waits_for_write) return;
  c.waits_for_write = wait;
  epoll_event event{};
  event.events = EPOLLIN | (wait ? static_cast<std::uint32_t>(EPOLLOUT) : 0U);
  event.data.fd = c.fd;
  epoll_ctl(epoll_, EPOLL_CTL_MOD, c.fd, &event);
}

void RawServer::load_file() {
  const int fd = open(options_.path.c_str(), O_RDONLY);
  const off_t size = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);
  if (size < 0) {
    std::perror(options_.path.c_str());
    std::abort();
  }
  byte_vector head = {0, 1};  // y-protocols: sync, step 2
  append_var_uint(head, static_cast<std::uint64_t>(size));
  append_frame_header(file_, opcode::binary, head.size() + static_cast<std::size_t>(size));
  file_.insert(file_.end(), head.begin(), head.end());
  const std::size_t at = file_.size();
  file_.resize(at + static_cast<std::size_t>(size));
  if (pread(fd, file_.data() + at, static_cast<std::size_t>(size), 0) != size) {
    std::perror(options_.path.c_str());
    std::abort();
  }
  close(fd);
}

void RawServer::drop(Connection& c) {
  if (c.room != nullptr) std::erase(c.room->members, &c);
  const int fd = c.fd;
  close(fd);
  connections_.erase(fd);
}

}  // namespace weft::bench
