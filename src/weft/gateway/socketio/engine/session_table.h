#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "weft/gateway/socketio/engine/engine_session.h"

namespace weft::gateway::socketio::engine {

/// The sessions of one loop, and the one timer that looks at what is due for all of them.
///
/// Threading: the loop's thread; the destructor after it has been joined.
class SessionTable {
 public:
  /// Both outlive the table.
  SessionTable(base::Executor& executor, const EngineOptions& options);
  /// Ends what is left, with SessionHandler::on_closed on the calling thread.
  ~SessionTable();
  SessionTable(const SessionTable&) = delete;
  SessionTable& operator=(const SessionTable&) = delete;

  /// A new session, yet to be opened.
  std::shared_ptr<EngineSession> add(std::string id, std::string peer,
                                     std::unique_ptr<SessionHandler> handler, SessionSlot slot);
  /// None when there is no session of that name (any more).
  std::shared_ptr<EngineSession> find(const std::string& id) const;

  /// Ends every session, and those that come later.
  void shut_down();
  bool shutting_down() const { return shutting_down_; }

 private:
  std::vector<std::shared_ptr<EngineSession>> all() const;
  void schedule_sweep();

  base::Executor& executor_;
  const EngineOptions& options_;
  const std::chrono::nanoseconds sweep_interval_;
  std::unordered_map<std::string, std::shared_ptr<EngineSession>> sessions_;
  base::timer_id sweep_timer_ = 0;
  bool shutting_down_ = false;
};

}  // namespace weft::gateway::socketio::engine
