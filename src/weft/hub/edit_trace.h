#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weft/base/meter.h"
#include "weft/log/op_log.h"
#include "weft/net/websocket_session.h"

namespace weft::hub {

/// What happened to one edit between its receipt and the last receiver, in the order of time.
struct EditTimeline {
  struct Step {
    std::string_view name;  ///< docs/operations.md, "Following one edit", explains each
    base::monotonic_time at{};
    /// What the step's own thread used for it, by a server that counts.
    std::optional<base::Usage> used;
  };
  struct Frame {
    std::size_t bytes = 0;
    std::size_t receivers = 0;  ///< that share these bytes
  };

  base::OperationId operation;
  std::string sender;
  std::size_t update_bytes = 0;
  std::optional<base::log_offset> offset;  ///< none: not committed when the trace ended
  std::vector<Step> steps;
  std::size_t commit_records = 0;  ///< that shared its commit, itself included; 0: not known
  std::size_t batch_edits = 0;     ///< of this document that came back with it
  std::vector<Frame> frames;       ///< one for each protocol that somebody reads
  std::size_t receivers = 0;       ///< sessions that were to get it
  std::size_t sent = 0;            ///< to whom it was sent
  std::size_t blocked = 0;         ///< of them: whose socket did not take it all at once
  std::size_t left = 0;            ///< receivers that went before it was sent to them
};

/// Follows the next edit that a document accepts. A document has one only while somebody asked for
/// it (LiveDocument::trace); nothing else of an edit's way knows of it.
///
/// Threading: the document's executor.
class EditTrace final : public net::FlushListener {
 public:
  using callback = log::callback<EditTimeline>;

  /// `over` is called when nothing more is to be seen, never from inside a call of the document's.
  EditTrace(base::Executor& executor, const base::Meter* meter, base::task over, callback done);

  // The stations of an edit, in this order; each is ignored when it is not that edit's.
  void on_received();
  void on_admitted();
  void on_accepted(log::Record& record, std::uint64_t session, const std::string& sender,
                   std::size_t update_bytes);
  void on_append();
  void on_appended();
  void on_committed(const log::record_batch& records);
  void on_applied();
  void on_framed();
  /// `receivers` are the sessions that are to get it. When nobody is, this is the end.
  void send_to(std::vector<std::uint64_t> receivers, std::vector<EditTimeline::Frame> frames);
  /// A session has added to a flush all that precedes `next`.
  void on_collected(std::uint64_t session, base::log_offset next, net::GatherSink& sink);
  void on_flushed(bool whole) override;
  void on_left(std::uint64_t session);

  bool follows(base::OperationId operation) const {
    return at_ != Station::waiting && timeline_.operation == operation;
  }
  /// Of whom it does not come back.
  std::uint64_t session() const { return session_; }
  bool framed() const { return at_ >= Station::framed; }
  /// Where it was committed; none as long as it was not.
  std::optional<base::log_offset> offset() const { return timeline_.offset; }

  /// Answers with what was seen; `wait` is how long that was waited for, for the error when no edit
  /// came (timed_out).
  void finish(std::chrono::milliseconds wait);
  void fail(const base::error& why) { done_(base::fail(base::error(why))); }

 private:
  enum class Station { waiting, accepted, appended, committed, framed, over };

  void step(std::string_view name);
  void begin_turn();
  void end();
  void end_if_sent();

  base::Executor& executor_;
  const base::Meter* const meter_;
  base::task over_;
  callback done_;
  Station at_ = Station::waiting;
  EditTimeline timeline_;
  base::Usage used_;  ///< of this thread, at the latest step
  std::shared_ptr<log::CommitTrace> commit_;
  std::uint64_t session_ = 0;
  std::vector<std::uint64_t> waiting_;  ///< receivers that have not been sent it
  std::size_t flushing_ = 0;            ///< collected, not yet reported
};

}  // namespace weft::hub
