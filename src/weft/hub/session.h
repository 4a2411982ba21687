#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "weft/base/ids.h"
#include "weft/base/result.h"
#include "weft/hub/answer_frame.h"
#include "weft/hub/authorizer.h"
#include "weft/hub/errc.h"
#include "weft/hub/framing.h"
#include "weft/log/op_log.h"
#include "weft/net/websocket_session.h"
#include "weft/protocol/envelope.h"

namespace weft::hub {

class LiveDocument;
struct SessionExtras;

/// Where the stream of a session stands when something is acknowledged.
struct Acknowledgement {
  /// The record that holds the edit or, for one that said nothing new, the last one that was
  /// committed by then. None: the document has no record.
  std::optional<base::log_offset> record;
  /// Everything up to here has been handed over: that record, or a later one that came merged with
  /// others before it. None also while a failed append is looked into: it may lie before the
  /// record.
  std::optional<base::log_offset> version;
  /// The whole state was sent since resume() was called, as what was missed could not be.
  bool whole = false;
};

/// What a session hears from its document. All calls come on the document's executor; an
/// implementation may destroy its Session only from a task of its own, not from inside a call.
class SessionEvents {
 public:
  virtual ~SessionEvents() = default;

  /// The document is loaded: from now on the session's methods may be called.
  virtual void on_live() = 0;

  /// Something waits: call Session::collect soon (a connection calls want_write).
  virtual void on_output() = 0;

  /// An append failed: ask the client again for all that the document lacks (a SyncStep1).
  virtual void on_resync() = 0;

  /// The document takes edits again after Session::congested() was true.
  virtual void on_uncongested() = 0;

  /// The document cannot serve this session any more; it stays silent from now on.
  virtual void on_ended(const base::error& why) = 0;

  /// What was to be acknowledged with `token` is durable and everything before it has been handed
  /// to `sink`: add the acknowledgement's frame. Called from inside Session::collect.
  virtual void on_acknowledged(std::uint64_t, const Acknowledgement&, net::GatherSink&) {}

  /// What was to be acknowledged with `token` may not be durable; on_resync follows.
  virtual void on_unacknowledged(std::uint64_t, const base::error&) {}
};

/// An edit as a client hands it in.
struct Submission {
  base::byte_view update;
  bool from_sync = false;  ///< an answer to our SyncStep1, to be cut to what is new
  /// The client's own envelope of `update`, if it made one: it is stored as it is when all of the
  /// update is new, with the same metadata when not. `update` is its end.
  base::shared_bytes envelope = {};
  /// Have it acknowledged: on_acknowledged or on_unacknowledged comes once, in the order of
  /// submission among those that are acknowledged. A refused submission is not heard of again.
  std::optional<std::uint64_t> token = std::nullopt;
};

/// Who acts, as far as the server knows.
struct SessionInfo {
  std::string sender_id;  ///< for the envelopes written on their behalf
  Permit permit = {};     ///< what the hub holds them to
};

/// One participant of a live document: a cursor into its frames, not a queue of them.
///
/// Threading: the document's executor. Destroying it leaves the document and withdraws presence.
class Session {
 public:
  Session(std::shared_ptr<LiveDocument> document, std::uint64_t number,
          const FramingSource& framing, SessionEvents& events, SessionInfo info);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// What this session may do.
  const Permit& permit() const { return info_.permit; }

  /// Holds the session to another permit from now on: its client has brought a new token. Presence
  /// that may not be shown any more is withdrawn. Errors: forbidden, expired: it allows no reading,
  /// and the session keeps the one that it has.
  base::result<void> renew(Permit permit);

  /// The document's state vector, uncommitted edits included: what a SyncStep1 asks with.
  base::byte_vector state_vector() const;

  /// Takes an edit. Success means accepted, not durable; who may not write may still send what says
  /// nothing new. Errors: invalid_update, conflicting_ids, too_large, unavailable, forbidden,
  /// expired: the session must then stop writing (see docs/architecture.md,
  /// "Refusal").
  base::result<void> submit(const Submission& submission);

  /// Queues the answer to a client's SyncStep1. Errors: invalid_update (not a state vector).
  base::result<void> answer(base::byte_view state_vector);

  /// Goes back to the record at `from` (at most the document's end), or to the whole state when
  /// what follows is not to be had or is larger than that.
  void resume(base::log_offset from);

  /// Has everything acknowledged that is committed now, as if it were an edit that says nothing
  /// new.
  void acknowledge(std::uint64_t token);

  /// Behind the document's last committed record.
  base::log_offset end() const;

  /// Passes a control message on to the document's other sessions whose protocol has such. Not
  /// durable: a reader that is too slow loses the oldest. Errors: too_large, forbidden, expired.
  base::result<void> send_control(base::byte_view message);

  /// Takes an awareness update. Errors: invalid_update, too_large, forbidden, expired.
  base::result<void> apply_awareness(base::byte_view awareness_update);

  /// Sends all awareness states again.
  void resend_awareness();

  /// True while too many bytes of this document wait for the log: stop reading.
  bool congested() const;

  /// Adds what waits for this session: sync answers, then edits, then presence. Asks for more room
  /// by on_output when not all fits.
  void collect(net::GatherSink& sink);

  std::uint64_t number() const { return number_; }

 private:
  friend class LiveDocument;

  SessionExtras& extras();
  log::callback<base::log_offset> settling(std::uint64_t token);

  std::shared_ptr<LiveDocument> document_;
  const std::uint64_t number_;
  SessionEvents& events_;
  SessionInfo info_;
  const protocol::EnvelopeWriter envelopes_;

  std::size_t ring_ = 0;          ///< which of the document's rings
  std::uint64_t cursor_ = 0;      ///< next frame in the ring
  base::log_offset next_offset_;  ///< next record, for catching up
  bool behind_ = false;           ///< counted in the ring's number of readers with news
  bool catching_up_ = false;
  bool live_ = false;
  bool keepalive_due_ = false;
  bool quiet_ = true;  ///< nothing collected since the last keepalive tick
  std::uint64_t awareness_seen_ = 0;
  std::uint64_t last_submission_ = 0;      ///< the document's submission count at its last edit
  std::deque<DirectFrame> direct_;         ///< bounded: one answer at a time
  std::shared_ptr<SessionExtras> extras_;  ///< none for sessions that need none of it
};

}  // namespace weft::hub
