#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "weft/base/worker_pool.h"
#include "weft/gateway/http/exchange.h"
#include "weft/gateway/http/options.h"
#include "weft/gateway/http/presence.h"
#include "weft/gateway/http/routes.h"
#include "weft/gateway/http/unreadable.h"
#include "weft/hub/document_feed.h"
#include "weft/hub/document_history.h"
#include "weft/hub/hub.h"

namespace weft::gateway::http {

/// The server as /v1/status shows it.
struct ServerStatus {
  std::string program_version;
  std::int64_t uptime_ms = 0;
  bool ready = false;
  std::uint64_t http_connections = 0;
  std::uint64_t websocket_connections = 0;
  std::uint64_t documents_live = 0;
  std::uint64_t sessions = 0;
  std::uint64_t edits_accepted = 0;
  std::uint64_t edits_committed = 0;
  std::uint64_t edits_refused = 0;
};

/// What operators may ask of the server's storage. Blocking, on the workers; each returns the JSON
/// to answer with, or why it was not done. Empty functions: the server cannot do it.
struct Maintenance {
  std::function<base::result<std::string>(const base::DocumentId&)> repair;
  std::function<base::result<std::string>(const std::string& directory)> backup;
};

/// What people see of a document.
enum class TypedView : std::uint8_t { json, text, delta, xml };

/// Reads a view of a state (an update of format v1); `root` is empty for json. On the typed
/// readers. Errors: crdt::errc.
using TypedReader = std::function<base::result<std::string>(TypedView, base::byte_view state,
                                                            std::string_view root)>;

/// The reader of src/weft/crdt.
base::result<std::string> read_typed_view(TypedView view, base::byte_view state,
                                          std::string_view root);

/// What the handlers of /v1 work with. All of it outlives them.
struct Api {
  const HttpOptions& options;
  const hub::HubSet& hubs;
  log::OpLog& log;
  hub::DocumentHistory& history;
  const std::vector<std::unique_ptr<hub::FeedSet>>& feeds;       ///< one for each loop
  const std::vector<std::unique_ptr<PresenceTable>>& presences;  ///< one for each hub
  const PresenceFraming& presence_framing;
  std::function<ServerStatus()> status;
  std::atomic<std::size_t>& event_streams;
  const Maintenance& maintenance;
  base::WorkerPool& typed_readers;
  const TypedReader& typed_reader;
  Unreadable& unreadable;
};

// Handlers: each answers its exchange, now or later. They start on the connection's loop; what
// belongs to a document moves to its hub's, and what takes time to the workers.

void show_status(Api& api, const exchange_ptr& exchange, const Target& target);
void show_openapi(Api& api, const exchange_ptr& exchange, const Target& target);
void list_documents(Api& api, const exchange_ptr& exchange, const Target& target);
void show_document(Api& api, const exchange_ptr& exchange, const Target& target);

void read_update(Api& api, const exchange_ptr& exchange, const Target& target);
void read_diff(Api& api, const exchange_ptr& exchange, const Target& target);
void read_state_vector(Api& api, const exchange_ptr& exchange, const Target& target);

void read_json_view(Api& api, const exchange_ptr& exchange, const Target& target);
void read_text_view(Api& api, const exchange_ptr& exchange, const Target& target);
void read_delta_view(Api& api, const exchange_ptr& exchange, const Target& target);
void read_xml_view(Api& api, const exchange_ptr& exchange, const Target& target);

void publish_updates(Api& api, const exchange_ptr& exchange, const Target& target);

void read_snapshot(Api& api, const exchange_ptr& exchange, const Target& target);
void read_history(Api& api, const exchange_ptr& exchange, const Target& target);
void list_versions(Api& api, const exchange_ptr& exchange, const Target& target);

void restore_version(Api& api, const exchange_ptr& exchange, const Target& target);
void list_quarantine(Api& api, const exchange_ptr& exchange, const Target& target);
void repair_document(Api& api, const exchange_ptr& exchange, const Target& target);
void trace_edit(Api& api, const exchange_ptr& exchange, const Target& target);
void make_backup(Api& api, const exchange_ptr& exchange, const Target& target);

/// Refuses what does not come from this machine, or comes for somebody else through a proxy on it:
/// true when it did.
bool refuse_foreign(const exchange_ptr& exchange);

/// One line of /v1/quarantine.
nlohmann::json quarantine_json(const hub::QuarantineEntry& entry);

void post_awareness(Api& api, const exchange_ptr& exchange, const Target& target);

void open_events(Api& api, const exchange_ptr& exchange, const Target& target);

}  // namespace weft::gateway::http
