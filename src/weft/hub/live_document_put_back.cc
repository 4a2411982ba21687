// A log that was restored, recreated or cut may lack what the snapshot holds. It gets that back as
// records of the server's own, before the document is live.

#include <algorithm>

#include "weft/hub/errc.h"
#include "weft/hub/live_document.h"
#include "weft/hub/put_back.h"

namespace weft::hub {

namespace {

/// How much is under way at a time: others append as well.
constexpr std::size_t put_back_bytes = 4u << 20;
constexpr std::chrono::milliseconds retry_delay{100};

/// What the envelopes of these records say who wrote them.
constexpr std::string_view put_back_sender = "weft";

base::result<std::vector<base::byte_vector>> lost_of(base::byte_view snapshot,
                                                     const yjs::Knowledge& logged,
                                                     std::size_t part_bytes_max) {
  const auto novelty = yjs::classify(snapshot, logged);
  if (!novelty) return base::fail(base::error(novelty.error()));
  if (*novelty == yjs::Novelty::empty || *novelty == yjs::Novelty::contained) return {};
  const auto rest = yjs::reduce(snapshot, logged);
  if (!rest) return base::fail(base::error(rest.error()));
  return yjs::split(*rest, part_bytes_max);
}

}  // namespace

bool LiveDocument::PutBack::awaits_any(const std::vector<base::OperationId>& operations) const {
  return std::ranges::any_of(operations, [this](const base::OperationId& operation) {
    return std::ranges::find(under_way, operation) != under_way.end();
  });
}

void LiveDocument::find_lost() {
  // What comes into the log meanwhile is not seen: at worst a record repeats it.
  parts_.background.post([self = shared_from_this(), &executor = parts_.executor,
                          snapshot = put_back_->snapshot, logged = std::move(put_back_->logged),
                          part_bytes_max = options_.answer_slice_bytes] {
    executor.post([self, lost = lost_of(snapshot, logged, part_bytes_max)]() mutable {
      if (self->phase_ == Phase::loading) self->put_back(std::move(lost));
    });
  });
}

void LiveDocument::put_back(base::result<std::vector<base::byte_vector>> lost) {
  if (!lost) {
    return break_with({make_error_code(errc::broken),
                       "document " + base::to_string(id_) +
                           ": what its log lacks of its snapshot: " + lost.error().message});
  }
  std::size_t bytes = 0;
  for (auto& update : *lost) {
    bytes += update.size();
    put_back_->waiting.push_back(std::move(update));
  }
  if (bytes != 0) {
    parts_.events.report(base::severity::warn, "log.put_back",
                         {{"document", base::to_string(id_)},
                          {"records", std::to_string(lost->size())},
                          {"bytes", std::to_string(bytes)}});
  }
  put_back_next();
}

void LiveDocument::put_back_next() {
  WEFT_CHECK(phase_ == Phase::loading && put_back_ && put_back_->under_way.empty());
  if (put_back_->waiting.empty()) {
    put_back_.reset();
    return become_live();
  }
  const protocol::EnvelopeWriter envelopes(id_, protocol::Channel::doc, put_back_sender);
  const SessionInfo nobody;
  const std::int64_t now_ms = parts_.executor.wall_clock_ms();
  std::vector<log::Record> records;
  std::size_t bytes = 0;
  for (const auto& update : put_back_->waiting) {
    if (!records.empty() && bytes + update.size() > put_back_bytes) break;
    bytes += update.size();
    log::Record record;
    record.operation = {parts_.log.actor(),
                        parts_.next_seq.fetch_add(1, std::memory_order_relaxed)};
    record.received_at_ms = now_ms;
    record.envelope = envelope_of({update, nobody, envelopes}, now_ms);
    records.push_back(std::move(record));
  }
  std::vector<base::OperationId> operations;
  for (const auto& record : records) operations.push_back(record.operation);
  if (auto accepted = parts_.log.append(id_, std::move(records)); !accepted) {
    if (accepted.error().code != log::errc::overloaded) {
      return break_with(
          {make_error_code(errc::unavailable),
           "document " + base::to_string(id_) +
               ": what its log lacks cannot be put back: " + accepted.error().message});
    }
    parts_.executor.schedule(retry_delay, [self = weak_from_this()] {
      const auto document = self.lock();
      if (document && document->phase_ == Phase::loading) document->put_back_next();
    });
    return;
  }
  const auto sent = static_cast<std::ptrdiff_t>(operations.size());
  put_back_->waiting.erase(put_back_->waiting.begin(), put_back_->waiting.begin() + sent);
  put_back_->under_way = std::move(operations);
}

void LiveDocument::on_put_back(const log::record_batch& records) {
  if (!put_back_ || put_back_->under_way.empty()) return;
  auto& under_way = put_back_->under_way;
  for (const auto& entry : records) {
    if (std::erase(under_way, entry.record.operation) == 0) continue;
    if (parts_.persistence) parts_.persistence->persist_update(id_, entry);
  }
  if (under_way.empty()) put_back_next();
}

}  // namespace weft::hub
