#include "weft/gateway/http/presence.h"

#include <cstdio>

#include "weft/base/random.h"
#include "weft/gateway/base64.h"
#include "weft/gateway/http/event_stream.h"
#include "weft/hub/errc.h"

namespace weft::gateway::http {

namespace {

/// Of one batch; what does not fit comes with the next one, in its latest state.
constexpr std::size_t batch_bytes_max = 256u << 10;

class BatchSink final : public net::GatherSink {
 public:
  void add(base::shared_bytes framed) override {
    if (framed.empty()) return;
    room_ -= std::min(room_, framed.size());
    events.push_back(std::move(framed));
  }
  std::size_t room() const override { return room_; }

  std::vector<base::shared_bytes> events;

 private:
  std::size_t room_ = batch_bytes_max;
};

}  // namespace

std::size_t PresenceFraming::write_header(const hub::FrameInfo&, std::uint8_t*) const {
  base::invariant_broken("an edit for a session that hears none", __FILE__, __LINE__);
}

base::shared_bytes PresenceFraming::frame_awareness(base::byte_view awareness_update) const {
  std::string data = R"({"update":")";
  append_base64(awareness_update, data);
  return base::shared_bytes::copy_of(base::as_bytes(event_text("awareness", {}, data + "\"}")));
}

void PresenceEnd::start() {
  ticket_.table.add(ticket_.stream, weak_from_this());
  auto joined = ticket_.hub.join(ticket_.document, ticket_.framing, *this, ticket_.who);
  // The stream hears for itself of all that ends it; without presence it goes on.
  if (joined) session_ = std::move(*joined);
}

void PresenceEnd::end() {
  ticket_.table.remove(ticket_.stream);
  session_.reset();
}

base::result<void> PresenceEnd::apply(base::byte_view awareness_update) {
  if (!live_ || !session_) {
    return base::fail(hub::errc::unavailable, "the document is not loaded yet; try again");
  }
  return session_->apply_awareness(awareness_update);
}

void PresenceEnd::on_live() {
  live_ = true;
  session_->resend_awareness();
}

void PresenceEnd::on_output() {
  more_ = true;
  if (scheduled_ || under_way_) return;
  scheduled_ = true;
  executor().at_turn_end([self = weak_from_this()] {
    if (const auto end = self.lock()) end->send();
  });
}

void PresenceEnd::send() {
  scheduled_ = false;
  if (!session_ || under_way_) return;
  more_ = false;
  under_way_ = true;  // the session may ask for another one meanwhile: it waits for this one
  BatchSink sink;
  session_->collect(sink);
  under_way_ = !sink.events.empty();
  if (under_way_) {
    stream_.post([slot = slot_, events = std::move(sink.events)]() mutable {
      if (const auto listener = slot.lock()) (*listener)->on_presence(std::move(events));
    });
  } else if (more_) {
    on_output();
  }
}

void PresenceEnd::taken() {
  under_way_ = false;
  if (more_) on_output();
}

void PresenceEnd::on_ended(const base::error&) {
  live_ = false;
  // Not in here: the session may be in the middle of a call to this.
  executor().post([self = weak_from_this()] {
    if (const auto end = self.lock()) end->session_.reset();
  });
}

std::shared_ptr<PresenceEnd> PresenceTable::find(const std::string& stream,
                                                 const base::DocumentId& document) const {
  const auto it = ends_.find(stream);
  auto end = it == ends_.end() ? nullptr : it->second.lock();
  return end && end->document() == document ? end : nullptr;
}

std::string new_stream_name() {
  char digits[33];
  std::snprintf(digits, sizeof digits, "%016llx%016llx",
                static_cast<unsigned long long>(base::system_seed()),
                static_cast<unsigned long long>(base::system_seed()));
  return digits;
}

}  // namespace weft::gateway::http
