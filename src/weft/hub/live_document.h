#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "weft/base/events.h"
#include "weft/base/executor.h"
#include "weft/hub/awareness_table.h"
#include "weft/hub/document_state.h"
#include "weft/hub/document_view.h"
#include "weft/hub/edit_trace.h"
#include "weft/hub/frame_ring.h"
#include "weft/hub/options.h"
#include "weft/hub/persistence_hooks.h"
#include "weft/hub/quarantine.h"
#include "weft/hub/session.h"
#include "weft/log/op_log.h"
#include "weft/store/document_store.h"

namespace weft::hub {

/// The parts a hub is made of; all outlive it.
struct HubParts {
  base::Executor& executor;    ///< the strand of every document of this hub
  base::Executor& background;  ///< where compactions run
  log::OpLog& log;
  store::DocumentStore& store;
  std::atomic<std::uint64_t>& next_seq;  ///< shared by all hubs that append as one actor
  HubCounters& counters;
  base::Events& events;
  /// One for all hubs of a process; nullptr: the hub keeps its own.
  Quarantine* quarantine = nullptr;
  /// What the steps of a followed edit are measured with; nullptr: by their times only.
  const base::Meter* meter = nullptr;
  PersistenceHooks* persistence = nullptr;  ///< told of what was stored; nullptr: nobody is
};

/// A document in memory because somebody uses it: the single writer of its part of the log.
///
/// Life: loading → live → (broken | evicted). One edit passes submit → flush_outbox → the log →
/// on_committed → rings → Session::collect.
/// Threading: everything on parts.executor; work elsewhere comes back to it with a weak reference.
class LiveDocument final : public log::Subscriber,
                           public std::enable_shared_from_this<LiveDocument> {
 public:
  LiveDocument(const HubParts& parts, const HubOptions& options, base::DocumentId id);
  ~LiveDocument() override;

  /// Subscribes and loads snapshot and log tail; sessions hear on_live or on_ended.
  void open();

  /// Instead of open(): nothing is read, and who comes is told why.
  void stay_broken(base::error why);

  const base::DocumentId& id() const { return id_; }
  bool live() const { return phase_ == Phase::live; }
  bool ended() const { return phase_ == Phase::broken; }
  std::size_t session_count() const { return sessions_.size(); }
  base::log_offset end() const { return state_.end(); }
  /// Of the last committed record; none: there is no record, or one before it may yet turn up.
  std::optional<base::log_offset> last_version() const {
    if (end().value == 0 || recovering_) return std::nullopt;
    return base::log_offset{end().value - 1};
  }

  /// No session, no append in flight, no snapshot or compaction under way, nobody waiting: the
  /// process may end.
  bool at_rest() const;
  /// And no failed append is being looked into: it may be put away.
  bool idle() const { return at_rest() && !recovering_; }
  base::monotonic_time idle_since() const { return idle_since_; }

  using position_callback = log::callback<base::log_offset>;
  /// Appends one update for a caller without a session; `done` gets its offset once durable.
  /// An update that is contained already gets the position behind everything in flight.
  void publish(base::byte_vector update, const SessionInfo& info, position_callback done);

  /// Appends several updates in order; see PublishBatch. Errors: changed (the condition does not
  /// hold: nothing was tried), or what keeps the document from being read.
  void publish_all(std::vector<base::shared_bytes> updates, SessionInfo info,
                   std::optional<PublishCondition> condition,
                   log::callback<std::vector<PublishedItem>> done);

  /// The committed state as it lies in memory, for work elsewhere.
  void view(log::callback<DocumentView> done);

  /// The committed state as one compacted update, everything committed before this call included.
  /// Readers who ask while a compaction is due share it.
  void read_state(log::callback<StateRead> done);

  DocumentStatus status() const;

  /// Follows the next edit that is accepted until its last receiver was sent it, or until `wait`
  /// has passed: then `done` gets what was seen so far. Errors: timed_out (no edit came),
  /// unavailable (somebody asked later; or its append failed), what ends the document.
  void trace(std::chrono::milliseconds wait, EditTrace::callback done);

  /// True while too many bytes wait for the log.
  bool congested() const { return inflight_bytes_ > options_.inflight_bytes_max; }

  /// Writes a snapshot if there is enough news (or any news with `force`).
  void save_snapshot(bool force, base::task done);

  /// Ends every session with this error and takes no new ones.
  void end_sessions(const base::error& why);

  /// Sends an empty awareness frame to sessions that heard nothing since the last call, and ends
  /// those whose permit has expired.
  void keepalive();

 private:
  friend class Session;

  enum class Phase { loading, live, broken };

  struct Pending {
    base::OperationId operation;
    std::uint64_t origin;
    std::size_t bytes;
    base::shared_bytes update;
    position_callback done;  ///< empty for sessions
  };
  struct Waiter {  ///< a publish of something already contained
    std::uint64_t after;
    position_callback done;
  };
  struct SharedAwareness {
    std::uint64_t from = 0, to = 0, only_from = 0;
    base::shared_bytes frame;
  };
  struct StateReader {
    std::uint64_t compaction;  ///< the first that has seen what the reader must see
    log::callback<StateRead> done;
  };
  struct Ring {  ///< what the sessions of one framing share
    Ring(const FramingSource& s, std::shared_ptr<const Framing> f, std::size_t bytes_max)
        : source(s), framing(std::move(f)), frames(*framing, bytes_max) {}

    const FramingSource& source;  ///< as sessions name it
    const std::shared_ptr<const Framing> framing;
    FrameRing frames;
    std::size_t behind = 0;  ///< sessions whose cursor is before the end
    SharedAwareness awareness;
    /// Frames of the runs' parts that were asked for, by where the part's bytes lie.
    std::unordered_map<const std::uint8_t*, std::shared_ptr<AnswerFrame>> part_frames;
  };
  struct CatchUp {  ///< what sessions that fell off the ring at one place have missed
    base::log_offset from, to;
    base::log_offset last;                  ///< the last record among them
    std::vector<base::shared_bytes> parts;  ///< in causal order, each small enough for a message
  };
  struct CatchUpRead {  ///< one under way
    base::log_offset from;
    std::vector<std::uint64_t> sessions;
  };

  // log::Subscriber
  void on_committed(const log::record_batch& records) override;
  void on_append_failed(const std::vector<base::OperationId>& operations,
                        const base::error& why) override;
  void on_lost(const base::error& why) override;

  // Loading (live_document_load.cc).
  void load_snapshot();
  void take_snapshot(store::Snapshot snapshot);
  void check_coverage(base::log_identity covered, const base::shared_bytes& snapshot);
  void read_tail(base::log_offset from);
  void become_live();
  void break_with(base::error why);
  base::result<base::shared_bytes> update_of(const log::CommittedRecord& entry) const;
  base::result<base::shared_bytes> apply(const log::CommittedRecord& entry, bool foreign);

  // Putting back what the log has lost (live_document_put_back.cc).
  struct PutBack;
  void find_lost();
  void put_back(base::result<std::vector<base::byte_vector>> lost);
  void put_back_next();
  void on_put_back(const log::record_batch& records);

  // Writing.
  base::result<bool> admit(base::byte_view update, bool from_sync, const Permit& permit,
                           base::byte_vector& reduced);
  struct Appendix {  ///< an admitted edit on its way into the log
    base::byte_view update;
    const SessionInfo& info;
    const protocol::EnvelopeWriter& envelopes;  ///< for an edit without an envelope of its own
    std::uint64_t origin = 0;
    base::shared_bytes envelope = {};
    bool cut = false;  ///< `envelope` holds another update than this
  };
  void append(const Appendix& edit, position_callback done);
  base::shared_bytes envelope_of(const Appendix& edit, std::int64_t now_ms) const;
  void when_settled(position_callback done);
  void flush_outbox();
  void fail_pending(const base::error& why);
  void wake_if_uncongested();

  // Failed appends (live_document_recovery.cc).
  void recover_if_settled();
  void read_after_failure();
  base::result<void> take_missed(const log::record_batch& records);
  void end_recovery();

  // States for readers without a session (live_document_state.cc).
  void compact_for_readers();
  void serve_state_readers(std::uint64_t compaction, const base::shared_bytes& whole,
                           base::log_offset end);
  void fail_state_readers(const base::error& why);

  // Reading (live_document_read.cc).
  void attach(Session& session, const FramingSource& framing);
  void publish_frames(const std::vector<OutgoingEdit>& edits);
  void detach(Session& session);
  base::result<void> answer(Session& session, base::byte_view state_vector);
  void collect(Session& session, net::GatherSink& sink);
  bool collect_edits(Session& session, net::GatherSink& sink);
  void collect_acknowledgements(Session& session, net::GatherSink& sink);
  void resume(Session& session, base::log_offset from);
  void start_catch_up(Session& session);
  void stop_catching_up(Session& session);
  void read_missed(base::log_offset from);
  void merge_missed(base::log_offset from, log::ReadResult read);
  void end_catch_up_read(base::log_offset from, std::optional<CatchUp> missed);
  void give_missed(Session& session, const std::optional<CatchUp>& missed);
  bool collect_direct(Session& session, net::GatherSink& sink);
  bool add_answer(const Ring& ring, const DirectFrame& direct, net::GatherSink& sink);
  void rewrite_in_background(const Ring& ring, const std::shared_ptr<AnswerFrame>& answer);
  using maybe_version = std::optional<base::log_offset>;
  void queue_frame(Session& session, yjs::sync_type type, base::shared_bytes update,
                   maybe_version delivered);
  void queue_part(Session& session, const base::shared_bytes& update, yjs::sync_type type,
                  maybe_version delivered);
  void forget_answer_frames();
  base::result<void> queue_whole_state(Session& session);
  base::result<void> queue_answer(Session& session, base::shared_bytes update);

  // Beside edits (live_document_presence.cc).
  base::result<void> pass_control(const Session& from, base::byte_view message);
  void collect_control(Session& session, net::GatherSink& sink);
  void announce_awareness();
  void flush_awareness();
  void collect_awareness(Session& session, net::GatherSink& sink);

  void end_expired();

  void mark_caught_up(Session& session);
  Session* find_session(std::uint64_t number);
  bool hears_edits(const Session& session) const {
    return rings_[session.ring_]->framing->carries_edits();
  }

  // Following one edit (live_document_trace.cc).
  void trace_framed();
  void fail_trace(const base::error& why);

  // Upkeep.
  void compact_if_worth_it();
  /// Gets the whole state as one update, when all of it was compacted (and nothing when not).
  using compaction_callback = std::move_only_function<void(const base::shared_bytes& whole)>;
  void compact(bool everything, compaction_callback then);
  void end_compaction(std::uint64_t number, std::uint64_t recoveries,
                      const DocumentState::Plan& plan, base::result<CompactedRun> compacted,
                      compaction_callback then);
  void write_snapshot(base::shared_bytes whole, base::log_offset covered, base::task done);
  void note_idle();

  const HubParts parts_;
  const HubOptions& options_;
  const base::DocumentId id_;
  Phase phase_ = Phase::loading;
  std::optional<base::error> why_broken_;
  std::unique_ptr<log::Subscription> subscription_;
  DocumentState state_;
  base::log_identity log_identity_;  ///< that state_'s offsets belong to; once live

  std::vector<Session*> sessions_;
  std::vector<std::unique_ptr<Ring>> rings_;
  AwarenessTable awareness_;
  base::monotonic_time last_awareness_{};
  std::uint64_t awareness_due_ = 0;           ///< last_change at the latest tick of presence
  std::uint64_t awareness_at_this_tick_ = 0;  ///< last_change at the latest keepalive tick
  std::uint64_t awareness_at_last_tick_ = 0;  ///< and at the one before
  base::timer_id awareness_timer_ = 0;
  std::optional<CatchUp> last_catch_up_;  ///< for others who fell off at about there
  std::vector<CatchUpRead> catch_up_reads_;

  std::vector<log::Record> outbox_;
  bool outbox_scheduled_ = false;
  std::deque<Pending> pending_;
  std::deque<Waiter> waiters_;
  std::uint64_t submitted_ = 0;  ///< how many records were ever put in the outbox
  std::uint64_t committed_ = 0;  ///< how many of them came back
  std::size_t inflight_bytes_ = 0;
  bool was_congested_ = false;
  bool recovery_scheduled_ = false;  ///< a timer or read of the recovery is under way
  base::log_offset recover_from_;    ///< what is still looked for lies at or behind this, if at all
  std::uint64_t recoveries_ = 0;     ///< how many records they found
  bool recovered_ = false;           ///< this one has found some; readers are told at its end
  bool recovering_ = false;  ///< an append failed; edits are dropped until sessions are resynced

  std::vector<base::task> when_loaded_;
  log::record_batch early_;  ///< committed while loading
  /// While it is loaded over a snapshot that may hold what its log does not.
  std::unique_ptr<PutBack> put_back_;

  std::unique_ptr<EditTrace> trace_;  ///< none unless somebody follows an edit
  std::uint64_t traces_ = 0;          ///< how many there ever were
  base::timer_id trace_timer_ = 0;

  bool compacting_ = false;
  std::uint64_t compactions_begun_ = 0;
  std::vector<StateReader> state_readers_;
  bool saving_ = false;
  base::log_offset snapshot_end_;  ///< what the stored snapshot covers
  std::size_t snapshot_news_bytes_ = 0;
  base::monotonic_time idle_since_{};
};

}  // namespace weft::hub
