#pragma once

#include <sys/epoll.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/wire.h"

namespace weft::bench {

enum class raw_mode {
  gather,      ///< forward; the frames of one event-loop turn leave in one write per connection
  gather_wal,  ///< the same, after the turn's messages were appended to one file and fdatasync'ed
  file,        ///< answer each connection's first message with a file, read once for all
};

struct RawOptions {
  std::uint16_t port = 0;
  raw_mode mode = raw_mode::gather;
  std::string path;                   ///< the log of gather_wal, the file of file
  std::int64_t sync_interval_us = 0;  ///< least time between two syncs; 0: each turn syncs
};

/// The limit that a collaboration server is measured against: WebSocket broadcast by URL path on
/// one epoll thread, with no idea of what it carries. It does not drop or bound anything: a reader
/// that cannot keep up grows its buffer, which the generator's drain check would show.
class RawServer {
 public:
  explicit RawServer(RawOptions options) : options_(std::move(options)) {}
  ~RawServer();
  RawServer(const RawServer&) = delete;
  RawServer& operator=(const RawServer&) = delete;

  /// Serves until the process is killed. Returns an exit status if it cannot start.
  int run();

 private:
  struct Room;
  struct Connection {
    int fd = -1;
    bool open = false;
    bool answered = false;
    bool waits_for_write = false;
    bool broken = false;
    Room* room = nullptr;
    byte_vector in;
    byte_vector out;  ///< what the socket did not take at once
    std::size_t out_sent = 0;
    byte_view shared;  ///< of file_: what follows `out`
  };
  struct Piece {
    const Connection* sender;
    std::size_t begin;
    std::size_t end;
  };
  struct Room {
    std::vector<Connection*> members;
    byte_vector frames;  ///< this turn's frames, back to back
    std::vector<Piece> pieces;
  };

  int listen_on_port();
  /// Waits for events, at most until the messages that wait for the log may go there.
  int wait_for_events(std::vector<epoll_event>& events);
  /// Makes the messages durable that wait for it, when it is time; true when none waits any more.
  bool sync_when_due();
  void accept_all();
  void read_from(Connection& c);
  bool handshake(Connection& c, byte_vector& bytes);
  void take_frame(Connection& c, const Frame& frame, std::span<std::uint8_t> payload);
  void make_durable();
  void flush_room(Room& room);
  void flush_rest(Connection& c);
  void keep_rest(Connection& c, byte_view bytes);
  void load_file();
  void drop(Connection& c);

  RawOptions options_;
  int epoll_ = -1;
  int listener_ = -1;
  int wal_ = -1;
  std::int64_t synced_ns_ = 0;  ///< when the last sync began
  std::unordered_map<int, std::unique_ptr<Connection>> connections_;
  std::map<std::string, Room> rooms_;
  std::vector<Room*> dirty_rooms_;
  std::vector<int> broken_;
  byte_vector wal_batch_;
  byte_vector read_buffer_;
  byte_vector file_;  ///< mode file: the answer, framed
};

}  // namespace weft::bench
