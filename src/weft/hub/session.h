#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>

#include "weft/base/ids.h"
#include "weft/base/result.h"
#include "weft/hub/answer_frame.h"
#include "weft/hub/errc.h"
#include "weft/hub/framing.h"
#include "weft/net/websocket_session.h"
#include "weft/protocol/envelope.h"

namespace weft::hub {

class LiveDocument;

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
};

/// Who joins, as far as the server knows.
struct SessionInfo {
  std::string sender_id;  ///< for the envelopes written on the session's behalf
  std::string identity;   ///< authenticated identity; empty when anonymous
};

/// One participant of a live document: a cursor into its frames, not a queue of them.
///
/// Threading: the document's executor. Destroying it leaves the document and withdraws presence.
class Session {
 public:
  Session(std::shared_ptr<LiveDocument> document, std::uint64_t number, const Framing& framing,
          SessionEvents& events, SessionInfo info);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// The document's state vector, uncommitted edits included: what a SyncStep1 asks with.
  base::byte_vector state_vector() const;

  /// Takes an edit. `from_sync` marks an answer to our SyncStep1, which is cut to what is new.
  /// Success means accepted, not durable. Errors: invalid_update, conflicting_ids, too_large,
  /// unavailable: the session must then stop writing (see docs/architecture.md, "Refusal").
  base::result<void> submit(base::byte_view update, bool from_sync);

  /// Queues the answer to a client's SyncStep1. Errors: invalid_update (not a state vector).
  base::result<void> answer(base::byte_view state_vector);

  /// Takes an awareness update. Errors: invalid_update, too_large.
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

  std::shared_ptr<LiveDocument> document_;
  const std::uint64_t number_;
  const Framing& framing_;
  SessionEvents& events_;
  const SessionInfo info_;
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
  std::uint64_t last_submission_ = 0;  ///< the document's submission count at its last edit
  std::deque<std::shared_ptr<AnswerFrame>> direct_;  ///< bounded: one answer at a time
};

}  // namespace weft::hub
