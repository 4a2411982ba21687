#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "weft/hub/logged_edit.h"
#include "weft/net/websocket_session.h"

namespace weft::hub {

/// How one protocol writes an edit, whose version counts in `log`, for readers that take single
/// edits with their versions. Stateless and shared.
class EditWriter {
 public:
  virtual ~EditWriter() = default;
  virtual void write(const LoggedEdit& edit, base::log_identity log, std::string& out) const = 0;
};

struct FeedOptions {
  std::size_t ring_bytes_max = 1u << 20;    ///< text kept per document and executor
  std::size_t read_bytes_max = 256u << 10;  ///< records read at once for one reader
};

class FeedReader;

/// The committed edits of a document for the readers of one executor: each written once, kept in a
/// bounded ring. Readers are cursors: one that falls off the ring, or that starts in the past, is
/// given its edits out of the log. It needs no live document.
///
/// Every reader gets every edit from its start on exactly once, in log order.
/// Threading: the executor it was made for.
class DocumentFeed final : public log::Subscriber,
                           public std::enable_shared_from_this<DocumentFeed> {
 public:
  DocumentFeed(log::OpLog& log, base::DocumentId document, base::Executor& executor,
               const EditWriter& writer, const FeedOptions& options);

 private:
  friend class FeedReader;

  struct Entry {
    base::log_offset offset;
    std::size_t end;  ///< in the chunk's text, behind this edit
  };
  struct Chunk {
    base::shared_bytes text;
    std::vector<Entry> entries;
  };

  void on_committed(const log::record_batch& records) override;
  void on_append_failed(const std::vector<base::OperationId>&, const base::error&) override {}
  void on_lost(const base::error& why) override;

  void publish(std::string text, std::vector<Entry> entries);
  void drop_front();
  void caught_up();
  /// Hands edits from `cursor` on to the sink until it is full; true when none is left.
  bool collect(base::log_offset& cursor, net::GatherSink& sink) const;
  base::log_identity log_identity();

  log::OpLog& log_;
  const base::DocumentId document_;
  base::Executor& executor_;
  const EditWriter& writer_;
  const FeedOptions& options_;
  std::unique_ptr<log::Subscription> subscription_;
  base::log_identity log_identity_;  ///< of what the subscription brings; 0: not known yet
  std::vector<FeedReader*> readers_;
  std::size_t behind_ = 0;  ///< readers that have not taken all of the ring
  std::deque<Chunk> chunks_;
  std::size_t bytes_ = 0;
  base::log_offset dropped_end_;  ///< behind the last edit that is not in the ring any more
  std::optional<base::error> failed_;
};

/// What the owner of a reader hears, on the feed's executor.
class FeedEvents {
 public:
  virtual ~FeedEvents() = default;

  /// Something waits: call collect soon.
  virtual void on_output() = 0;

  /// The history cannot be read on; the reader stays silent from now on.
  virtual void on_failed(const base::error& why) = 0;
};

/// A cursor into a document's edits. Destroying it ends it.
class FeedReader {
 public:
  /// Starts with the edit at `from`. Calls on_output when there is something, never from inside.
  FeedReader(std::shared_ptr<DocumentFeed> feed, base::log_offset from, FeedEvents& events);
  ~FeedReader();
  FeedReader(const FeedReader&) = delete;
  FeedReader& operator=(const FeedReader&) = delete;

  /// Adds what waits; asks for more room by on_output when not all fits.
  void collect(net::GatherSink& sink);

  /// Edits that are known here wait still; on_output comes for them.
  bool behind() const { return behind_; }

 private:
  friend class DocumentFeed;

  void on_news();
  void read_log();
  void on_read(base::result<log::ReadResult> read);
  void fail(const base::error& why);
  void set_behind(bool behind);

  const std::shared_ptr<DocumentFeed> feed_;
  FeedEvents& events_;
  base::log_offset cursor_;     ///< the next edit wanted
  base::shared_bytes private_;  ///< read out of the log for this reader, not yet sent
  bool contiguous_ = false;     ///< what is not in the ring and not dropped from it was read
  bool reading_ = false;
  bool behind_ = false;
  bool failed_ = false;
  std::shared_ptr<FeedReader*> self_;  ///< lets a read find out that its reader has gone
};

/// The feeds of one executor, by document.
class FeedSet {
 public:
  FeedSet(log::OpLog& log, base::Executor& executor, const EditWriter& writer, FeedOptions options)
      : log_(log), executor_(executor), writer_(writer), options_(options) {}

  base::Executor& executor() const { return executor_; }

  /// The document's feed; it lives as long as somebody holds it. The executor's thread only.
  std::shared_ptr<DocumentFeed> feed(const base::DocumentId& document);

 private:
  log::OpLog& log_;
  base::Executor& executor_;
  const EditWriter& writer_;
  const FeedOptions options_;
  std::unordered_map<base::DocumentId, std::weak_ptr<DocumentFeed>> feeds_;
  std::size_t sweep_at_ = 64;  ///< how many entries make a look for dead ones worth it
};

}  // namespace weft::hub
