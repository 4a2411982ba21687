#pragma once

#include <memory>
#include <vector>

#include "weft/hub/live_document.h"

namespace weft::hub {

/// Appends several updates of one publisher to a document, in order.
///
/// All that fit what the document lets wait go to the log together. The first refusal ends it:
/// what comes behind may depend on what was refused, and is not tried. The answer comes once
/// everything tried is durable or refused. While it waits, it is held by what it gave the document:
/// it does not hold the document, so that a hub that goes down with edits in flight frees both.
/// Threading: the document's executor.
class PublishBatch final : public std::enable_shared_from_this<PublishBatch> {
 public:
  using callback = log::callback<std::vector<PublishedItem>>;

  PublishBatch(LiveDocument& document, std::vector<base::shared_bytes> updates, SessionInfo info,
               callback done)
      : document_(document),
        updates_(std::move(updates)),
        items_(updates_.size()),
        info_(std::move(info)),
        done_(std::move(done)) {}

  /// Once, with the document live.
  void start() { go_on(); }

 private:
  void go_on();
  void publish_next();
  void on_published(std::size_t index, base::result<base::log_offset> published);

  LiveDocument& document_;
  std::vector<base::shared_bytes> updates_;
  std::vector<PublishedItem> items_;
  const SessionInfo info_;
  callback done_;
  std::size_t next_ = 0;
  std::size_t waiting_ = 0;  ///< handed to the document, unanswered
  bool refused_ = false;
  bool going_on_ = false;
};

}  // namespace weft::hub
