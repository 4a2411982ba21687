#include "sim/sim_feed.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

namespace weft::sim {

namespace {

struct Entry {
  std::uint64_t version;
  base::OperationId operation;
};

class Sink final : public net::GatherSink {
 public:
  explicit Sink(std::size_t room) : room_(room) {}
  void add(base::shared_bytes framed) override {
    bytes.insert(bytes.end(), framed.data(), framed.data() + framed.size());
    room_ -= std::min(room_, framed.size());
  }
  std::size_t room() const override { return room_; }

  base::byte_vector bytes;

 private:
  std::size_t room_;
};

}  // namespace

void VersionWriter::write(const hub::LoggedEdit& edit, base::log_identity, std::string& out) const {
  const Entry entry{edit.version.value, edit.operation};
  out.append(reinterpret_cast<const char*>(&entry), sizeof entry);
}

FeedWatch::FeedWatch(World& world, Disk& disk, std::shared_ptr<hub::DocumentFeed> feed,
                     base::DocumentId document, bool gaps_allowed)
    : world_(world),
      disk_(disk),
      document_(std::move(document)),
      gaps_allowed_(gaps_allowed),
      self_(std::make_shared<FeedWatch*>(this)),
      reader_(std::move(feed), {}, *this) {}

void FeedWatch::on_output() {
  if (reading_) return;
  reading_ = true;
  world_.schedule(world_.delay(world_.one_in(8) ? 30'000 : 300), [self = std::weak_ptr(self_)] {
    if (const auto watch = self.lock()) (*watch)->read();
  });
}

void FeedWatch::read() {
  reading_ = false;
  Sink sink(world_.one_in(2) ? sizeof(Entry) : std::size_t{1} << 20);
  reader_.collect(sink);
  for (std::size_t at = 0; at < sink.bytes.size(); at += sizeof(Entry)) {
    Entry entry;
    ASSERT_LE(at + sizeof entry, sink.bytes.size());
    std::memcpy(&entry, sink.bytes.data() + at, sizeof entry);
    while (next_ < disk_.durable.size() &&
           (disk_.durable[next_].document != document_ ||
            (gaps_allowed_ && disk_.durable[next_].entry.offset.value < entry.version))) {
      ++next_;
    }
    ASSERT_LT(next_, disk_.durable.size()) << "an event of what is not durable";
    const auto& expected = disk_.durable[next_++].entry;
    ASSERT_EQ(entry.version, expected.offset.value) << "events out of order, twice or left out";
    ASSERT_EQ(entry.operation, expected.record.operation);
    world_.met("event");
  }
}

void FeedWatch::on_failed(const base::error& why) {
  failed_ = true;
  world_.trace("feed failed", 0, base::as_bytes(why.message));
  world_.met("failed feed");
}

bool FeedWatch::complete() const {
  for (std::size_t i = next_; i < disk_.durable.size(); ++i) {
    if (disk_.durable[i].document == document_) return false;
  }
  return true;
}

}  // namespace weft::sim
