// The way of an edit into the log and back: admit, append, commit. Loading, failed appends, the way
// out to the sessions and upkeep are in live_document_load.cc, live_document_recovery.cc,
// live_document_read.cc and live_document_upkeep.cc.

#include "weft/hub/live_document.h"

#include <algorithm>

#include "weft/hub/errc.h"
#include "weft/hub/put_back.h"

namespace weft::hub {

namespace {

/// How soon an append that the log had no room for is tried again.
constexpr std::chrono::milliseconds append_retry_delay{5};

}  // namespace

LiveDocument::LiveDocument(const HubParts& parts, const HubOptions& options, base::DocumentId id)
    : parts_(parts),
      options_(options),
      id_(std::move(id)),
      awareness_(options),
      idle_since_(parts.executor.now()) {
  count(parts_.counters.documents_live);
}

LiveDocument::~LiveDocument() {
  if (awareness_timer_ != 0) parts_.executor.cancel(awareness_timer_);
  uncount(parts_.counters.documents_live);
}

bool LiveDocument::at_rest() const {
  return sessions_.empty() && pending_.empty() && waiters_.empty() && outbox_.empty() &&
         when_loaded_.empty() && state_readers_.empty() && !compacting_ && !saving_ && !trace_ &&
         phase_ != Phase::loading;
}

void LiveDocument::note_idle() { idle_since_ = parts_.executor.now(); }

// --- admitting ----------------------------------------------------------------------------------

base::result<bool> LiveDocument::admit(base::byte_view update, bool from_sync, const Permit& permit,
                                       base::byte_vector& reduced) {
  auto refuse = [&](std::error_code code, std::string why) {
    count(parts_.counters.edits_refused);
    parts_.events.report(base::severity::warn, "edit.refused",
                         {{"document", base::to_string(id_)}, {"reason", why}});
    return std::unexpected(base::error{code, std::move(why)});
  };
  if (phase_ == Phase::broken) return base::fail(base::error(*why_broken_));
  WEFT_CHECK(phase_ == Phase::live);
  if (trace_) [[unlikely]]
    trace_->on_received();
  if (update.size() > options_.update_bytes_max) {
    return refuse(errc::too_large, "edit of " + std::to_string(update.size()) +
                                       " bytes exceeds update_bytes_max = " +
                                       std::to_string(options_.update_bytes_max));
  }
  const auto novelty = yjs::classify(update, state_.held());
  if (!novelty) return refuse(errc::invalid_update, novelty.error().message);
  if (*novelty == yjs::Novelty::empty) return false;
  if (*novelty != yjs::Novelty::fresh) {
    std::vector<base::byte_view> in_flight;
    for (const Pending& pending : pending_) in_flight.push_back(pending.update);
    const auto same = state_.same_content(update, std::move(in_flight));
    if (!same) return refuse(errc::invalid_update, same.error().message);
    if (!*same) {
      return refuse(errc::conflicting_ids,
                    "edit repeats stored ids with other content: two clients use one client id");
    }
  }
  if (*novelty == yjs::Novelty::contained) {
    count(parts_.counters.edits_contained);
    return false;
  }
  if (auto ok =
          check_permit(permit, &Rights::write, "change this document", parts_.executor.turn_time());
      !ok) {
    return refuse(ok.error().code, ok.error().message);
  }
  // Appends fail while the log is down; the session stops writing and its client keeps the edit.
  if (!parts_.log.writable()) {
    return refuse(errc::unavailable, "the log cannot be written to at the moment");
  }
  // Dropped, not refused: on_resync makes the client send it again.
  if (recovering_) return false;
  if (*novelty == yjs::Novelty::partly || from_sync) {
    auto rest = yjs::reduce(update, state_.held());
    if (!rest) return refuse(errc::invalid_update, rest.error().message);
    reduced = std::move(*rest);
  }
  if (trace_) [[unlikely]]
    trace_->on_admitted();
  return true;
}

base::shared_bytes LiveDocument::envelope_of(const Appendix& edit, std::int64_t now_ms) const {
  if (!edit.envelope.empty() && !edit.cut) return edit.envelope;
  std::uint8_t header[yjs::sync_header_bytes_max];
  const std::size_t header_bytes =
      yjs::write_sync_header(yjs::sync_type::update, edit.update.size(), header);
  const std::size_t payload_bytes = header_bytes + edit.update.size();
  const auto fill = [&](std::uint8_t* out) {
    std::memcpy(out, header, header_bytes);
    std::memcpy(out + header_bytes, edit.update.data(), edit.update.size());
  };
  if (edit.envelope.empty()) return edit.envelopes.write(now_ms, payload_bytes, fill);
  const auto own = protocol::split_envelope(edit.envelope);
  WEFT_CHECK(own);  // the gateway has read it
  return protocol::write_envelope(own->metadata, payload_bytes, fill);
}

void LiveDocument::append(const Appendix& edit, position_callback done) {
  const base::byte_view update = edit.update;
  const SessionInfo& info = edit.info;
  state_.submit(update);
  const std::int64_t now_ms = parts_.executor.wall_clock_ms();
  log::Record record;
  record.operation = {parts_.log.actor(), parts_.next_seq.fetch_add(1, std::memory_order_relaxed)};
  record.received_at_ms = now_ms;
  record.identity = info.permit.identity;
  record.envelope = envelope_of(edit, now_ms);
  // An edit is followed by its operation id: accepted here, committed below, refused in admit.
  if (parts_.events.wants(base::severity::debug)) {
    parts_.events.report(base::severity::debug, "edit.accepted",
                         {{"document", base::to_string(id_)},
                          {"operation", base::to_string(record.operation)},
                          {"sender", info.sender_id},
                          {"bytes", std::to_string(update.size())}});
  }
  inflight_bytes_ += record.envelope.size();
  was_congested_ = was_congested_ || congested();
  const std::size_t bytes = record.envelope.size();
  pending_.push_back({record.operation, edit.origin, bytes,
                      record.envelope.slice(bytes - update.size(), update.size()),
                      std::move(done)});
  if (trace_) [[unlikely]]
    trace_->on_accepted(record, edit.origin, info.sender_id, update.size());
  outbox_.push_back(std::move(record));
  ++submitted_;
  count(parts_.counters.edits_accepted);
  if (outbox_scheduled_) return;
  outbox_scheduled_ = true;
  parts_.executor.at_turn_end([self = weak_from_this()] {
    if (const auto document = self.lock()) document->flush_outbox();
  });
}

void LiveDocument::flush_outbox() {
  outbox_scheduled_ = false;
  if (outbox_.empty()) return;
  auto records = std::move(outbox_);
  outbox_.clear();
  // The log takes the records only when it accepts them: on overload they are kept for a retry.
  if (trace_) [[unlikely]]
    trace_->on_append();
  const auto accepted = parts_.log.append(id_, std::move(records));
  if (accepted) {
    if (trace_) [[unlikely]]
      trace_->on_appended();
    return;
  }
  if (accepted.error().code == log::errc::overloaded) {
    outbox_ = std::move(records);
    outbox_scheduled_ = true;
    parts_.executor.schedule(append_retry_delay, [self = weak_from_this()] {
      if (const auto document = self.lock()) document->flush_outbox();
    });
    return;
  }
  std::vector<base::OperationId> operations;
  operations.reserve(records.size());
  for (const auto& record : records) operations.push_back(record.operation);
  on_append_failed(operations, accepted.error());
}

void LiveDocument::publish(base::byte_vector update, const SessionInfo& info,
                           position_callback done) {
  if (phase_ == Phase::loading) {
    when_loaded_.push_back(
        [this, update = std::move(update), info, done = std::move(done)]() mutable {
          publish(std::move(update), info, std::move(done));
        });
    return;
  }
  if (congested()) {
    return done(base::fail(errc::unavailable, "too many edits of this document wait for the log"));
  }
  base::byte_vector reduced;
  auto novel = admit(update, false, info.permit, reduced);
  if (!novel) return done(base::fail(std::move(novel.error())));
  if (!*novel) return when_settled(std::move(done));
  const protocol::EnvelopeWriter envelopes(id_, protocol::Channel::doc, info.sender_id);
  append({reduced.empty() ? base::byte_view(update) : base::byte_view(reduced), info, envelopes},
         std::move(done));
}

/// The position behind which lies nothing that is in flight now.
void LiveDocument::when_settled(position_callback done) {
  if (recovering_) {
    return done(base::fail(errc::unavailable, "an append failed; try again in a second"));
  }
  if (committed_ != submitted_) return waiters_.push_back({submitted_, std::move(done)});
  done(base::log_offset{state_.end().value == 0 ? 0 : state_.end().value - 1});
}

// --- committed ----------------------------------------------------------------------------------

void LiveDocument::on_committed(const log::record_batch& records) {
  if (phase_ == Phase::broken) return;
  if (phase_ == Phase::loading) {
    early_.insert(early_.end(), records.begin(), records.end());
    return on_put_back(records);
  }
  if (trace_) [[unlikely]]
    trace_->on_committed(records);
  std::vector<OutgoingEdit> edits;
  std::vector<base::shared_bytes> updates;  // keeps the bytes that edits point into
  std::vector<std::pair<position_callback, base::log_offset>> acks;
  // Those who wait for all up to here go between those whose records these are.
  const auto acknowledge_waiters = [&](base::log_offset settled) {
    while (!waiters_.empty() && waiters_.front().after <= committed_) {
      acks.emplace_back(std::move(waiters_.front().done), settled);
      waiters_.pop_front();
    }
  };
  edits.reserve(records.size());
  updates.reserve(records.size());
  for (const auto& entry : records) {
    if (entry.offset < state_.end()) continue;  // read back already
    std::uint64_t origin = 0;
    const bool own = !pending_.empty() && pending_.front().operation == entry.record.operation;
    if (own) {
      Pending& pending = pending_.front();
      origin = pending.origin;
      inflight_bytes_ -= pending.bytes;
      if (pending.done) acks.emplace_back(std::move(pending.done), entry.offset);
      pending_.pop_front();
      ++committed_;
      acknowledge_waiters(entry.offset);
    }
    if (parts_.events.wants(base::severity::debug)) {
      parts_.events.report(base::severity::debug, "edit.committed",
                           {{"document", base::to_string(id_)},
                            {"operation", base::to_string(entry.record.operation)},
                            {"offset", std::to_string(entry.offset.value)},
                            {"sessions", std::to_string(sessions_.size())}});
    }
    auto update = apply(entry, !own || recovering_);
    if (!update) {
      // What came before it in this batch is durable and is acknowledged all the same.
      for (auto& [done, offset] : acks) done(offset);
      return break_with(std::move(update.error()));
    }
    updates.push_back(std::move(*update));
    if (parts_.persistence) parts_.persistence->persist_update(id_, entry);
    // While an append is being looked into, a record may turn up before this one.
    edits.push_back({origin, entry.offset, updates.back(), !recovering_});
  }
  count(parts_.counters.edits_committed, edits.size());
  if (trace_) [[unlikely]]
    trace_->on_applied();
  publish_frames(edits);
  if (trace_) [[unlikely]]
    trace_framed();
  acknowledge_waiters({state_.end().value - 1});
  for (auto& [done, offset] : acks) done(offset);
  if (awareness_.release(committed_)) announce_awareness();
  wake_if_uncongested();
  recover_if_settled();
  compact_if_worth_it();
}

void LiveDocument::wake_if_uncongested() {
  if (!was_congested_ || congested()) return;
  was_congested_ = false;
  const auto sessions = sessions_;
  for (Session* session : sessions) session->events_.on_uncongested();
}

}  // namespace weft::hub
