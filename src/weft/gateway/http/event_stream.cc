#include "weft/gateway/http/event_stream.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "weft/gateway/base64.h"
#include "weft/gateway/http/problem.h"
#include "weft/gateway/http/response.h"
#include "weft/gateway/json.h"
#include "weft/gateway/version.h"
#include "weft/hub/errc.h"

namespace weft::gateway::http {

std::string event_text(std::string_view type, std::string_view id, std::string_view data) {
  std::string out = "event: ";
  out.append(type).append("\n");
  if (!id.empty()) out.append("id: ").append(id).append("\n");
  return out.append("data: ").append(data).append("\n\n");
}

void EventWriter::write(const hub::LoggedEdit& edit, base::log_identity log,
                        std::string& out) const {
  out += "event: update\nid: ";
  out += version_name(edit.version, log);
  out += "\ndata: {\"version\":";
  out += std::to_string(edit.version.value);
  out += ",\"timestamp\":";
  out += std::to_string(edit.received_at_ms);
  out += ",\"senderId\":";
  out += json_text(edit.sender_id);
  out += ",\"identity\":";
  out += json_text(edit.identity);
  out += ",\"update\":\"";
  append_base64(edit.update, out);
  out += "\"}\n\n";
}

EventStream::EventStream(std::shared_ptr<hub::DocumentFeed> feed, base::log_offset from,
                         std::string greeting, std::chrono::milliseconds keepalive,
                         base::monotonic_time expires, std::atomic<std::size_t>& open,
                         std::optional<PresenceTicket> presence)
    : feed_(std::move(feed)),
      from_(from),
      keepalive_(keepalive),
      expires_(expires),
      open_(open),
      waiting_(std::move(greeting)),
      ticket_(std::move(presence)) {
  open_.fetch_add(1, std::memory_order_relaxed);
}

EventStream::~EventStream() { open_.fetch_sub(1, std::memory_order_relaxed); }

void EventStream::on_open(net::HttpStream& stream) {
  stream_ = &stream;
  reader_ = std::make_unique<hub::FeedReader>(std::move(feed_), from_, *this);
  if (ticket_) {
    slot_ = std::make_shared<PresenceListener*>(this);
    presence_ = std::make_shared<PresenceEnd>(std::move(*ticket_), stream.executor(), slot_);
    presence_->executor().post([end = presence_] { end->start(); });
  }
  schedule_keepalive();
  if (expires_ != base::monotonic_time::max()) {
    auto& executor = stream_->executor();
    const auto left = std::max(expires_ - executor.now(), base::monotonic_time(0));
    expiry_timer_ = executor.schedule(left, [this] {
      expiry_timer_ = 0;
      reader_.reset();  // what waits is not for this client any more
      leave_presence();
      on_failed({make_error_code(hub::errc::expired), "the permission has expired"});
    });
  }
  stream_->want_write();
}

void EventStream::schedule_keepalive() {
  timer_ = stream_->executor().schedule(keepalive_, [this] {
    if (quiet_) {
      waiting_ += ": keep-alive\n\n";
      stream_->want_write();
    }
    quiet_ = true;
    schedule_keepalive();
  });
}

void EventStream::on_gather(net::GatherSink& sink) {
  if (!waiting_.empty()) {
    sink.add(base::shared_bytes::copy_of(base::as_bytes(waiting_)));
    waiting_.clear();
    quiet_ = false;
  }
  const std::size_t room = sink.room();
  if (reader_) reader_->collect(sink);
  add_presence(sink);
  if (sink.room() < room) quiet_ = false;
  if (ending_.empty()) return;
  if (sink.room() == 0) return stream_->want_write();
  sink.add(base::shared_bytes::copy_of(base::as_bytes(ending_)));
  ending_.clear();
}

void EventStream::on_presence(std::vector<base::shared_bytes> events) {
  presence_events_ = std::move(events);
  stream_->want_write();
}

void EventStream::on_presence_ended(const base::error& why) { on_failed(why); }

/// Behind the edits that wait here, which it may be about.
void EventStream::add_presence(net::GatherSink& sink) {
  if (presence_events_.empty()) return;
  if (reader_ && reader_->behind()) return;
  if (sink.room() == 0) return stream_->want_write();
  for (auto& event : presence_events_) sink.add(std::move(event));
  presence_events_.clear();
  presence_->executor().post([end = presence_] { end->taken(); });
}

/// Nothing more is shown or seen.
void EventStream::leave_presence() {
  slot_.reset();
  presence_events_.clear();
  if (!presence_) return;
  auto& executor = presence_->executor();
  executor.post([end = std::move(presence_)] { end->end(); });
}

void EventStream::end_with(std::string text) {
  if (ending_soon_) return;
  ending_soon_ = true;
  leave_presence();
  ending_ = std::move(text);
  stream_->want_write();
  stream_->finish();
}

void EventStream::on_drain() {
  end_with(event_text("end", {},
                      json_text(problem_json(problems::draining,
                                             "the server is shutting down; connect "
                                             "again"))));
}

void EventStream::on_closed() {
  stream_->executor().cancel(timer_);
  if (expiry_timer_ != 0) stream_->executor().cancel(expiry_timer_);
  reader_.reset();
  leave_presence();
  stream_ = nullptr;
}

void EventStream::on_output() {
  if (stream_) stream_->want_write();
}

void EventStream::on_failed(const base::error& why) {
  end_with(event_text("end", {}, json_text(problem_json(problem_type_of(why), why.message))));
}

}  // namespace weft::gateway::http
