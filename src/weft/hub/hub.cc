#include "weft/hub/hub.h"

#include <algorithm>

#include "weft/hub/errc.h"

namespace weft::hub {

namespace {
constexpr std::chrono::milliseconds drain_poll{5};
}

Hub::Hub(HubParts parts, HubOptions options)
    : own_quarantine_(parts.quarantine ? nullptr : std::make_unique<Quarantine>()),
      parts_(parts),
      options_(options) {
  if (own_quarantine_) parts_.quarantine = own_quarantine_.get();
}

Hub::~Hub() {
  if (sweep_timer_ != 0) parts_.executor.cancel(sweep_timer_);
  if (keepalive_timer_ != 0) parts_.executor.cancel(keepalive_timer_);
}

std::shared_ptr<LiveDocument> Hub::open(const base::DocumentId& document) {
  const auto it = documents_.find(document);
  if (it != documents_.end() && !it->second->ended()) return it->second;
  // A document that broke is tried afresh, though not by everybody who comes.
  auto held = parts_.quarantine->holds(document, parts_.executor.now());
  if (held && it != documents_.end()) return it->second;
  auto opened = std::make_shared<LiveDocument>(parts_, options_, document);
  documents_[document] = opened;
  if (held) {
    opened->stay_broken(std::move(*held));
  } else {
    opened->open();
  }
  return opened;
}

base::result<std::unique_ptr<Session>> Hub::join(const base::DocumentId& document,
                                                 const FramingSource& framing,
                                                 SessionEvents& events, SessionInfo info) {
  if (draining_) return base::fail(errc::draining, "the server is shutting down");
  if (auto ok =
          check_permit(info.permit, &Rights::read, "read this document", parts_.executor.now());
      !ok) {
    return base::fail(std::move(ok.error()));
  }
  return std::make_unique<Session>(open(document), next_session_++, framing, events,
                                   std::move(info));
}

void Hub::publish(const base::DocumentId& document, base::byte_vector update,
                  const SessionInfo& info, LiveDocument::position_callback done) {
  if (draining_) return done(base::fail(errc::draining, "the server is shutting down"));
  open(document)->publish(std::move(update), info, std::move(done));
}

void Hub::publish_all(const base::DocumentId& document, std::vector<base::shared_bytes> updates,
                      SessionInfo info, std::optional<PublishCondition> condition,
                      log::callback<std::vector<PublishedItem>> done) {
  if (draining_) return done(base::fail(errc::draining, "the server is shutting down"));
  open(document)->publish_all(std::move(updates), std::move(info), std::move(condition),
                              std::move(done));
}

void Hub::view(const base::DocumentId& document, log::callback<DocumentView> done) {
  if (draining_) return done(base::fail(errc::draining, "the server is shutting down"));
  open(document)->view(std::move(done));
}

void Hub::read_state(const base::DocumentId& document, log::callback<StateRead> done) {
  if (draining_) return done(base::fail(errc::draining, "the server is shutting down"));
  open(document)->read_state(std::move(done));
}

void Hub::trace(const base::DocumentId& document, std::chrono::milliseconds wait,
                EditTrace::callback done) {
  if (draining_) return done(base::fail(errc::draining, "the server is shutting down"));
  open(document)->trace(wait, std::move(done));
}

std::optional<DocumentStatus> Hub::status(const base::DocumentId& document) const {
  const auto it = documents_.find(document);
  if (it == documents_.end()) return std::nullopt;
  return it->second->status();
}

std::vector<DocumentSummary> Hub::live_documents() const {
  std::vector<DocumentSummary> out;
  out.reserve(documents_.size());
  for (const auto& [id, document] : documents_) {
    if (document->live()) out.push_back({id, document->session_count(), document->end()});
  }
  return out;
}

void Hub::start() {
  sweep_timer_ = parts_.executor.schedule(options_.idle_evict_after / 2, [this] { sweep(); });
  keepalive_timer_ = parts_.executor.schedule(options_.keepalive_interval, [this] { keepalive(); });
}

void Hub::sweep() {
  const auto now = parts_.executor.now();
  std::vector<std::shared_ptr<LiveDocument>> idle;
  for (const auto& [id, document] : documents_) {
    if (document->idle() && now - document->idle_since() >= options_.idle_evict_after) {
      idle.push_back(document);
    }
  }
  for (auto& document : idle) {
    document->save_snapshot(true, [this, document] {
      // Somebody may have come while the snapshot was written.
      const auto it = documents_.find(document->id());
      if (it == documents_.end() || it->second != document || !document->idle()) return;
      documents_.erase(it);
      count(parts_.counters.evictions);
    });
  }
  sweep_timer_ = parts_.executor.schedule(options_.idle_evict_after / 2, [this] { sweep(); });
}

void Hub::keepalive() {
  for (const auto& [id, document] : documents_) document->keepalive();
  keepalive_timer_ = parts_.executor.schedule(options_.keepalive_interval, [this] { keepalive(); });
}

void Hub::drain(base::task done) {
  draining_ = true;
  drained_ = std::move(done);
  const base::error why{make_error_code(errc::draining), "the server is shutting down"};
  for (const auto& [id, document] : documents_) document->end_sessions(why);
  drain_step();
}

void Hub::drain_step() {
  const bool busy = std::any_of(documents_.begin(), documents_.end(), [](const auto& item) {
    // Not those that only look into a failed append: the log may be unreadable for long, and the
    // next start reads it anyway.
    return !item.second->at_rest() && !item.second->ended();
  });
  if (!busy) {
    bool saving = false;
    const auto documents = documents_;
    for (const auto& [name, document] : documents) {
      document->save_snapshot(true, [this, id = name] { documents_.erase(id); });
      saving |= documents_.contains(name);
    }
    if (!saving) {
      if (drained_) drained_();
      drained_ = {};
      return;
    }
  }
  parts_.executor.schedule(drain_poll, [this] { drain_step(); });
}

}  // namespace weft::hub
