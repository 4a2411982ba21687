#include "weft/hub/document_feed.h"

#include <algorithm>

namespace weft::hub {

namespace {

/// One chunk stays below this, so that what a slow socket leaves unsent stays small.
constexpr std::size_t chunk_bytes_max = 256u << 10;

}  // namespace

// --- feed ---------------------------------------------------------------------------------------

DocumentFeed::DocumentFeed(log::OpLog& log, base::DocumentId document, base::Executor& executor,
                           const EditWriter& writer, const FeedOptions& options)
    : log_(log),
      document_(std::move(document)),
      executor_(executor),
      writer_(writer),
      options_(options),
      subscription_(log.subscribe(document_, executor, *this)) {}

/// Asked for when the first edit has come: with the log's next identity nothing comes any more.
base::log_identity DocumentFeed::log_identity() {
  if (log_identity_.value == 0) log_identity_ = log::identity_of(log_, document_);
  return log_identity_;
}

void DocumentFeed::on_committed(const log::record_batch& records) {
  if (failed_) return;
  const auto keep_alive = shared_from_this();
  std::string text;
  std::vector<Entry> entries;
  for (const auto& entry : records) {
    const auto edit = logged_edit(document_, entry);
    if (!edit) {
      failed_ = edit.error();
      break;
    }
    writer_.write(*edit, log_identity(), text);
    entries.push_back({edit->version, text.size()});
    if (text.size() >= chunk_bytes_max) {
      publish(std::move(text), std::move(entries));
      text.clear();
      entries.clear();
    }
  }
  if (!entries.empty()) publish(std::move(text), std::move(entries));
  while (bytes_ > options_.ring_bytes_max && chunks_.size() > 1) drop_front();
  const auto readers = readers_;
  for (FeedReader* reader : readers) {
    if (failed_) {
      reader->fail(*failed_);
    } else {
      reader->on_news();
    }
  }
  if (behind_ == 0) caught_up();
}

void DocumentFeed::on_lost(const base::error& why) {
  const auto keep_alive = shared_from_this();
  failed_ = why;
  const auto readers = readers_;
  for (FeedReader* reader : readers) reader->fail(why);
}

void DocumentFeed::publish(std::string text, std::vector<Entry> entries) {
  bytes_ += text.size();
  chunks_.push_back({base::shared_bytes::copy_of(base::as_bytes(text)), std::move(entries)});
}

void DocumentFeed::drop_front() {
  dropped_end_.value = chunks_.front().entries.back().offset.value + 1;
  bytes_ -= chunks_.front().text.size();
  chunks_.pop_front();
}

void DocumentFeed::caught_up() {
  while (!chunks_.empty()) drop_front();
}

bool DocumentFeed::collect(base::log_offset& cursor, net::GatherSink& sink) const {
  for (const Chunk& chunk : chunks_) {
    if (chunk.entries.back().offset < cursor) continue;
    if (sink.room() == 0) return false;
    const auto next =
        std::lower_bound(chunk.entries.begin(), chunk.entries.end(), cursor,
                         [](const Entry& e, base::log_offset wanted) { return e.offset < wanted; });
    const std::size_t from = next == chunk.entries.begin() ? 0 : std::prev(next)->end;
    sink.add(chunk.text.slice(from, chunk.text.size() - from));
    cursor.value = chunk.entries.back().offset.value + 1;
  }
  return true;
}

// --- reader -------------------------------------------------------------------------------------

FeedReader::FeedReader(std::shared_ptr<DocumentFeed> feed, base::log_offset from,
                       FeedEvents& events)
    : feed_(std::move(feed)),
      events_(events),
      cursor_(from),
      self_(std::make_shared<FeedReader*>(this)) {
  feed_->readers_.push_back(this);
  set_behind(true);
  if (feed_->failed_) {
    feed_->executor_.post([self = std::weak_ptr(self_)] {
      if (const auto reader = self.lock()) (*reader)->fail(*(*reader)->feed_->failed_);
    });
  } else {
    read_log();
  }
}

FeedReader::~FeedReader() {
  std::erase(feed_->readers_, this);
  set_behind(false);
}

void FeedReader::set_behind(bool behind) {
  if (behind_ == behind) return;
  behind_ = behind;
  feed_->behind_ += behind ? 1 : -1;
  if (feed_->behind_ == 0) feed_->caught_up();
}

void FeedReader::on_news() {
  set_behind(true);
  if (!reading_ && !failed_) events_.on_output();
}

void FeedReader::fail(const base::error& why) {
  if (failed_) return;
  failed_ = true;
  set_behind(false);
  events_.on_failed(why);
}

void FeedReader::read_log() {
  reading_ = true;
  feed_->log_.read(feed_->document_, cursor_, feed_->options_.read_bytes_max, feed_->executor_,
                   [self = std::weak_ptr(self_)](base::result<log::ReadResult> read) {
                     if (const auto reader = self.lock()) (*reader)->on_read(std::move(read));
                   });
}

void FeedReader::on_read(base::result<log::ReadResult> read) {
  reading_ = false;
  if (failed_) return;
  if (!read) return fail(read.error());
  std::string text;
  for (const auto& entry : read->records) {
    const auto edit = logged_edit(feed_->document_, entry);
    if (!edit) return fail(edit.error());
    feed_->writer_.write(*edit, feed_->log_identity(), text);
    cursor_.value = edit->version.value + 1;
  }
  private_ = base::shared_bytes::copy_of(base::as_bytes(text));
  // Whatever this read has not brought comes, or has come, through the subscription.
  if (!read->more) contiguous_ = true;
  events_.on_output();
}

void FeedReader::collect(net::GatherSink& sink) {
  if (failed_ || reading_) return;
  if (!private_.empty()) {
    if (sink.room() == 0) return events_.on_output();
    sink.add(std::move(private_));
    private_ = {};
  }
  if (!contiguous_ || cursor_ < feed_->dropped_end_) {
    // Not before there is room: what is read is kept until it is sent.
    if (sink.room() == 0) return events_.on_output();
    return read_log();
  }
  if (!feed_->collect(cursor_, sink)) return events_.on_output();
  set_behind(false);
}

// --- set ----------------------------------------------------------------------------------------

std::shared_ptr<DocumentFeed> FeedSet::feed(const base::DocumentId& document) {
  if (feeds_.size() >= sweep_at_) {
    std::erase_if(feeds_, [](const auto& item) { return item.second.expired(); });
    sweep_at_ = std::max<std::size_t>(64, feeds_.size() * 2);
  }
  auto& known = feeds_[document];
  auto feed = known.lock();
  if (!feed) {
    feed = std::make_shared<DocumentFeed>(log_, document, executor_, writer_, options_);
    known = feed;
  }
  return feed;
}

}  // namespace weft::hub
