#pragma once

#include <memory>
#include <string>

#include "weft/base/events.h"
#include "weft/base/worker_pool.h"
#include "weft/gateway/socketio/gateway.h"
#include "weft/hub/hub.h"
#include "weft/log/embedded/embedded_log.h"
#include "weft/net/event_loop.h"
#include "weft/store/rocksdb/rocksdb_store.h"

namespace weft::examples {

/// Prints what is worth knowing to standard error.
class PrintedEvents final : public base::Events {
 public:
  bool wants(base::severity level) const override { return level >= base::severity::warn; }
  void report(base::severity level, std::string_view name,
              std::initializer_list<base::event_field> fields) override;
};

/// The persistence hook: a line on standard output for each edit and each snapshot that was stored.
class PrintedPersistence final : public hub::PersistenceHooks {
 public:
  void persist_update(const base::DocumentId& document,
                      const log::CommittedRecord& record) override;
  void persist_result(const base::DocumentId& document, base::log_offset version,
                      const std::string& storage_location) override;
};

/// Weft's documents, put together from its parts: a log, a store, one hub, and the handlers of its
/// Socket.IO events.
///
/// Threading: construction, drain and destruction on the main thread, drain once.
class Documents {
 public:
  /// Keeps everything in `directory`; documents live on `loops.loop(0)`, the only one.
  static base::result<std::unique_ptr<Documents>> open(const std::string& directory,
                                                       net::LoopGroup& loops,
                                                       hub::Authorizer& authorizer);

  /// Weft's events, for one client of this program's Socket.IO server. Any thread.
  std::unique_ptr<gateway::socketio::protocol::Namespaces> namespaces(
      gateway::socketio::Handshake from_query);

  /// Ends all sessions, waits for what is in flight, writes snapshots.
  void drain();

  /// Closes log and store. After the server has drained, before the loops stop.
  void close();

 private:
  Documents(std::unique_ptr<log::embedded::EmbeddedLog> log,
            std::unique_ptr<store::rocks::RocksDbStore> store,
            std::unique_ptr<net::LoopGroup> background, net::LoopGroup& loops,
            hub::Authorizer& authorizer);

  const std::unique_ptr<log::embedded::EmbeddedLog> log_;
  const std::unique_ptr<store::rocks::RocksDbStore> store_;
  const std::unique_ptr<net::LoopGroup> background_;  ///< one thread, for compactions
  PrintedEvents events_;
  PrintedPersistence persistence_;
  std::atomic<std::uint64_t> next_seq_;
  hub::HubCounters hub_counters_;
  hub::Hub hub_;
  const hub::HubSet hubs_;
  base::WorkerPool readers_;
  hub::DocumentHistory history_;
  const gateway::socketio::SocketFraming framing_;
  const gateway::socketio::SocketOptions options_;
  gateway::socketio::SocketCounters counters_;
  hub::Authorizer& authorizer_;
};

}  // namespace weft::examples
