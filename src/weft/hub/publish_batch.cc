#include "weft/hub/publish_batch.h"

#include "weft/hub/errc.h"

namespace weft::hub {

void PublishBatch::go_on() {
  if (going_on_) return;  // an answer that came from inside publish_next
  going_on_ = true;
  // While the log has too much of this document to write, the batch waits for its own part.
  while (!refused_ && next_ < updates_.size() && !(document_.congested() && waiting_ > 0)) {
    publish_next();
  }
  going_on_ = false;
  if (waiting_ > 0 || !done_) return;
  auto done = std::move(done_);
  done_ = {};
  done(std::move(items_));
}

void PublishBatch::publish_next() {
  const std::size_t index = next_++;
  const auto update = std::move(updates_[index]);
  const auto empty = yjs::is_empty(update);
  if (empty && *empty) {
    // Nothing to store: it is as durable as the document is.
    items_[index] = {PublishedItem::outcome::durable, version_of(document_.end()), {}};
    return;
  }
  ++waiting_;
  document_.publish(base::byte_vector(update.view().begin(), update.view().end()), info_,
                    [self = shared_from_this(), index](base::result<base::log_offset> published) {
                      self->on_published(index, std::move(published));
                    });
}

void PublishBatch::on_published(std::size_t index, base::result<base::log_offset> published) {
  --waiting_;
  if (published) {
    items_[index] = {PublishedItem::outcome::durable, *published, {}};
  } else {
    items_[index] = {PublishedItem::outcome::refused, {}, std::move(published.error())};
    refused_ = true;
  }
  go_on();
}

}  // namespace weft::hub
