#include "weft/gateway/socketio/engine/session_table.h"

#include <algorithm>

namespace weft::gateway::socketio::engine {

namespace {

/// Late by no more than an eighth of the shorter time, and by no more than a second.
std::chrono::nanoseconds sweep_interval_of(const EngineOptions& options) {
  const std::chrono::nanoseconds shorter = std::min(options.ping_interval, options.ping_timeout);
  return std::clamp<std::chrono::nanoseconds>(shorter / 8, std::chrono::milliseconds(1),
                                              std::chrono::seconds(1));
}

}  // namespace

SessionTable::SessionTable(base::Executor& executor, const EngineOptions& options)
    : executor_(executor), options_(options), sweep_interval_(sweep_interval_of(options)) {}

SessionTable::~SessionTable() {
  for (const auto& session : all()) session->end(close_reason::shutting_down);
}

std::shared_ptr<EngineSession> SessionTable::add(std::string id, std::string peer,
                                                 std::unique_ptr<SessionHandler> handler,
                                                 SessionSlot slot) {
  auto session = std::make_shared<EngineSession>(EngineSession::Parts{
      executor_, options_, id, std::move(peer), std::move(handler), std::move(slot),
      [this](EngineSession& ended) { sessions_.erase(ended.id()); }});
  sessions_.emplace(std::move(id), session);
  schedule_sweep();
  return session;
}

std::shared_ptr<EngineSession> SessionTable::find(const std::string& id) const {
  const auto found = sessions_.find(id);
  return found == sessions_.end() ? nullptr : found->second;
}

std::vector<std::shared_ptr<EngineSession>> SessionTable::all() const {
  std::vector<std::shared_ptr<EngineSession>> out;
  out.reserve(sessions_.size());
  for (const auto& [id, session] : sessions_) out.push_back(session);
  return out;
}

void SessionTable::shut_down() {
  shutting_down_ = true;
  for (const auto& session : all()) session->shut_down();
}

void SessionTable::schedule_sweep() {
  if (sweep_timer_ != 0) return;
  sweep_timer_ = executor_.schedule(sweep_interval_, [this] {
    sweep_timer_ = 0;
    const auto now = executor_.now();
    for (const auto& session : all()) session->sweep(now);
    if (!sessions_.empty()) schedule_sweep();
  });
}

}  // namespace weft::gateway::socketio::engine
