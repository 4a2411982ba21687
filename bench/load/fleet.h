#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "common/wire.h"
#include "load/connection.h"
#include "load/dialect.h"
#include "load/sent_times.h"
#include "load/socketio.h"

namespace weft::bench {

struct LoadOptions {
  std::string url_pattern;  ///< ws://IPV4:PORT/…{doc}…
  std::string doc_prefix = "bench";
  std::size_t docs = 1;
  std::size_t clients_per_doc = 2;
  std::size_t stalled_per_doc = 0;  ///< clients that neither write nor read until the window ends
  std::size_t edit_chars = 1;       ///< characters that one edit inserts
  std::size_t threads = 2;          ///< at most; fewer when there is too little to share out
  dialect spoken = dialect::y;
  double rate = 0;         ///< edits a second in total, on a fixed schedule
  std::size_t flat = 0;    ///< edits in flight per writer
  bool idle = false;       ///< connect, settle, weigh
  double presence_hz = 0;  ///< awareness updates a second from every client that is not stalled
  double warmup_seconds = 1;
  double seconds = 5;
  double drain_seconds = 15;  ///< give up when nothing arrives for so long
  pid_t server_pid = 0;
};

/// socketio: where one client's conversation with the server stands.
struct Conversation {
  std::uint64_t next_ack = 0;            ///< id of the acknowledgement that comes next
  std::optional<std::uint64_t> version;  ///< the latest that the client was told
  bool payload_due = false;              ///< the next message is that of a delivery
  bool versioned = false;                ///< that delivery has a position

  static std::uint64_t ack_of_edit(std::uint64_t edit) { return edit + 1; }  // 0 is the sync's
  std::uint64_t edits_acked() const { return next_ack == 0 ? 0 : next_ack - 1; }
};

/// One simulated client. Only the thread it is given to touches it.
struct Client {
  Connection link;
  std::size_t index = 0;  ///< in all clients
  std::size_t doc = 0;
  std::size_t place = 0;  ///< in its document
  std::size_t thread = 0;
  std::size_t completes = 0;  ///< flat: the client whose edit is done when this one has received it
  bool stalled = false;
  bool ready = false;
  bool lost = false;
  bool waits_for_write = false;
  bool queued = false;  ///< is in the worker's dirty list
  Conversation conversation;
  std::uint64_t completed = 0;                   ///< of its edits: received by who completes them
  std::uint64_t settled = 0;                     ///< flat: of its edits, not in flight any more
  std::size_t credit = 0;                        ///< flat: edits it may send now
  std::int64_t next_presence_ns = 0;             ///< presence: due at
  std::vector<std::uint32_t> received;           ///< by sender's place: next clock expected from it
  std::vector<std::uint32_t> presence_received;  ///< by sender's place: latest awareness clock
};

/// What other threads read of a client while it sends.
struct alignas(64) Sent {
  SentTimes edits;     ///< by number of the edit
  SentTimes presence;  ///< by awareness clock, less one
};

/// All clients, how they are shared out among threads, and where the run stands. Laid out before
/// the threads start; of what changes afterwards, threads share only the atomics and `sent`.
struct Fleet {
  explicit Fleet(LoadOptions chosen);

  Client& at(std::size_t doc, std::size_t place) {
    return clients[doc * options.clients_per_doc + place];
  }
  std::size_t active_per_doc() const { return options.clients_per_doc - options.stalled_per_doc; }

  LoadOptions options;
  Url server;
  bool url_is_valid = false;
  std::uint64_t first_id = 0;  ///< Yjs client id of clients[0]; the others follow
  std::uint32_t seed = 1;      ///< of the masking keys
  std::size_t threads = 1;
  std::vector<std::string> names;          ///< by document
  std::vector<SocketIoDocument> socketio;  ///< by document, in that dialect
  std::deque<Client> clients;
  std::unique_ptr<Sent[]> sent;  ///< by client index

  std::atomic<std::size_t> threads_ready = 0;    ///< have all their clients connected
  std::atomic<std::size_t> threads_stopped = 0;  ///< will send no further edit
  std::atomic<bool> failed = false;              ///< a connection could not be made
  std::atomic<std::int64_t> begin_ns = 0;        ///< when sending begins; 0: not yet known
};

}  // namespace weft::bench
