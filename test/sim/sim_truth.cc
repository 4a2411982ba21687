#include "sim/sim_truth.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "weft/protocol/envelope.h"
#include "weft/yjs/sync_protocol.h"

namespace weft::sim {

bool covers(const yjs::Knowledge& all, const yjs::Knowledge& part) {
  return all.structs.contains(part.structs) && all.deletions.contains(part.deletions);
}

base::byte_view update_in(const log::Record& record) {
  const auto parts = protocol::split_envelope(record.envelope);
  if (!parts) return {};
  std::size_t consumed = 0;
  const auto message = yjs::decode_message(parts->payload, consumed);
  if (!message || message->type != yjs::message_type::sync) return {};
  return message->body;
}

Truth::Truth(World& world, Disk& disk) : world_(world), disk_(disk) {
  disk_.on_durable = [this](const Disk::Stored& stored) { made_durable(stored); };
  disk_.on_snapshot = [this](const base::DocumentId& document, const store::Snapshot& snapshot) {
    snapshot_saved(document, snapshot);
  };
}

void Truth::made_durable(const Disk::Stored& stored) {
  const auto& [offset, record] = stored.entry;
  const auto update = update_in(record);
  world_.trace("durable", offset.value, update);
  EXPECT_TRUE(!last_offset_ || *last_offset_ < offset) << "versions do not rise";
  last_offset_ = offset;
  if (record.received_at_ms < last_received_ms_) world_.met("record older than the one before it");
  last_received_ms_ = record.received_at_ms;
  EXPECT_TRUE(operations_.emplace(record.operation, offset).second)
      << "operation " << base::to_string(record.operation) << " is in the log twice";
  const auto parts = protocol::split_envelope(record.envelope);
  ASSERT_TRUE(parts);
  const auto metadata = protocol::decode_metadata(parts->metadata);
  ASSERT_TRUE(metadata);
  EXPECT_EQ(metadata->document, stored.document) << "a record in the wrong document";
  yjs::Knowledge news;
  ASSERT_TRUE(yjs::learn(update, news));
  for (const yjs::IdSet* ids : {&news.structs, &news.deletions}) {
    for (const auto& [client, ranges] : ids->clients()) {
      EXPECT_EQ(owners_[client], stored.document) << "an edit in the wrong document";
    }
  }
  for (const auto& [client, ranges] : news.structs.clients()) {
    for (const auto& range : ranges) {
      for (auto clock = range.start; clock < range.end; ++clock) {
        stored_at_.try_emplace({client, clock}, offset);
      }
    }
  }
  EXPECT_TRUE(yjs::learn(update, durable_[stored.document]));
}

void Truth::shown(const base::DocumentId& document, base::byte_view update) {
  yjs::Knowledge news;
  ASSERT_TRUE(yjs::learn(update, news)) << "shown what Yjs would not decode";
  EXPECT_TRUE(covers(durable_[document], news))
      << "shown before it was durable, or in the wrong document: " << base::to_string(document);
  EXPECT_TRUE(yjs::learn(update, promised_[document]));
}

void Truth::acknowledged(const base::DocumentId& document, base::byte_view update,
                         base::log_offset version) {
  world_.trace("acknowledged", version.value, update);
  shown(document, update);
  ends_[document] = std::max(ends_[document], {version.value + 1});
  yjs::Knowledge news;
  EXPECT_TRUE(yjs::learn(update, news));
  for (const auto& [client, ranges] : news.structs.clients()) {
    for (const auto& range : ranges) {
      for (auto clock = range.start; clock < range.end; ++clock) {
        const auto at = stored_at_.find({client, clock});
        EXPECT_TRUE(at != stored_at_.end() && at->second <= version)
            << "acknowledged with a version before its own";
      }
    }
  }
}

void Truth::delivered(const base::DocumentId& document, const yjs::Knowledge& knowledge,
                      base::log_offset version) {
  world_.trace("delivered", version.value);
  EXPECT_TRUE(covers(knowledge, records_before(document, {version.value + 1})))
      << "told of a version without all that lies before it in " << base::to_string(document);
}

yjs::Knowledge Truth::records_before(const base::DocumentId& document, base::log_offset end) const {
  yjs::Knowledge out;
  for (const auto& stored : disk_.durable) {
    if (stored.entry.offset >= end) break;
    if (stored.document == document) {
      EXPECT_TRUE(yjs::learn(update_in(stored.entry.record), out));
    }
  }
  return out;
}

void Truth::state_read(const base::DocumentId& document, const yjs::Knowledge& state,
                       base::log_offset end, bool settled, const Before& before) {
  world_.trace("state read", end.value);
  EXPECT_TRUE(covers(durable_[document], state)) << "a state that is not durable";
  EXPECT_TRUE(covers(state, before.promised)) << "a state without what was promised before";
  EXPECT_GE(end, before.end) << "a version before one that was named before";
  ends_[document] = std::max(ends_[document], end);
  if (settled) {
    EXPECT_TRUE(covers(state, records_before(document, end))) << "a state with less than it says";
  }
}

void Truth::nothing_between(const base::DocumentId& document, base::log_offset end,
                            base::log_offset version) {
  for (const auto& stored : disk_.durable) {
    const auto offset = stored.entry.offset;
    EXPECT_FALSE(stored.document == document && offset >= end && offset < version)
        << "stored behind an edit that its condition rules out";
  }
}

void Truth::broken(const base::DocumentId& document, const std::string& why) {
  world_.met("quarantine");
  EXPECT_TRUE(damaged_.contains(document))
      << base::to_string(document) << " is not damaged: " << why;
}

void Truth::snapshot_saved(const base::DocumentId& document, const store::Snapshot& snapshot) {
  world_.trace("snapshot", snapshot.covered_end.value, snapshot.update);
  yjs::Knowledge held;
  ASSERT_TRUE(yjs::learn(snapshot.update, held)) << "a snapshot that does not decode";
  EXPECT_TRUE(covers(durable_[document], held)) << "a snapshot of what is not durable";
  EXPECT_TRUE(covers(held, records_before(document, snapshot.covered_end)))
      << "a snapshot covers less of " << base::to_string(document) << " than it says";
  const auto old = disk_.snapshots.find(document);
  if (old == disk_.snapshots.end()) return;
  yjs::Knowledge before;
  ASSERT_TRUE(yjs::learn(old->second.update, before));
  EXPECT_TRUE(covers(held, before)) << "a poorer snapshot over a stored one";
}

}  // namespace weft::sim
