#pragma once

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "weft/hub/hub.h"

namespace weft::gateway::http {

/// Presence as server-sent events of the type "awareness", for sessions that hear no edits: those
/// come to event streams out of the log.
/// Source: docs/protocols.md, "Presence".
class PresenceFraming final : public hub::Framing {
 public:
  bool carries_edits() const override { return false; }
  std::size_t header_bytes_max() const override { return 0; }
  std::size_t write_header(const hub::FrameInfo&, std::uint8_t*) const override;
  /// Nothing for an update that tells of nobody: a silent stream has comments of its own.
  base::shared_bytes frame_awareness(base::byte_view awareness_update) const override;
};

class PresenceTable;

/// What a stream hears of the presence in its document, on its own executor.
class PresenceListener {
 public:
  virtual ~PresenceListener() = default;

  /// Ready events; call PresenceEnd::taken once they are on their way.
  virtual void on_presence(std::vector<base::shared_bytes> events) = 0;

  /// The document does not take part any more, and nothing else comes.
  virtual void on_presence_ended(const base::error& why) = 0;
};

/// The listener as the document's executor may name it: empty once the stream has gone. Read on the
/// stream's executor only.
using presence_slot = std::shared_ptr<PresenceListener*>;

/// What a stream needs to take part in the presence of a document. All of it outlives the stream.
struct PresenceTicket {
  hub::Hub& hub;
  PresenceTable& table;  ///< of that hub
  const PresenceFraming& framing;
  base::DocumentId document;
  hub::SessionInfo who;
  std::string stream;  ///< by which requests name it
};

/// The part of an event stream that lives with its document: a session that shows and sees
/// presence. Events go to the stream a batch at a time, the next one once the last was taken: a
/// slow reader costs one batch, and then gets the latest of everybody.
///
/// Threading: the document's executor, apart from construction and executor().
class PresenceEnd final : public hub::SessionEvents,
                          public std::enable_shared_from_this<PresenceEnd> {
 public:
  PresenceEnd(PresenceTicket ticket, base::Executor& stream, std::weak_ptr<PresenceListener*> slot)
      : ticket_(std::move(ticket)), stream_(stream), slot_(std::move(slot)) {}

  base::Executor& executor() const { return ticket_.hub.executor(); }

  /// Whether a stream of this document was opened by who has that identity.
  bool belongs_to(const base::DocumentId& document, const std::string& identity) const {
    return ticket_.document == document && ticket_.who.permit.identity == identity;
  }

  void start();
  /// The stream has gone: its presence is withdrawn.
  void end();
  void taken();

  /// Takes what the stream's client says of itself, once the document is loaded. Errors: those of
  /// hub::Session::apply_awareness and of a document that cannot be loaded; unavailable while an
  /// earlier one waits for that.
  void show(base::byte_vector awareness_update, log::callback<void> done);

  // hub::SessionEvents
  void on_live() override;
  void on_output() override;
  void on_resync() override {}
  void on_uncongested() override {}
  void on_ended(const base::error& why) override;

 private:
  struct Waiting {
    base::byte_vector update;
    log::callback<void> done;
  };

  void send();
  void end_with(base::error why);
  void refuse_waiting(const base::error& why);

  const PresenceTicket ticket_;
  base::Executor& stream_;
  const std::weak_ptr<PresenceListener*> slot_;
  std::unique_ptr<hub::Session> session_;
  std::optional<Waiting> waiting_;    ///< to be shown once the document is live
  std::optional<base::error> ended_;  ///< why the session is silent from now on
  bool live_ = false;
  bool scheduled_ = false;  ///< send() comes at the end of this turn
  bool under_way_ = false;  ///< a batch has not been taken yet
  bool more_ = false;       ///< something came meanwhile
};

/// The open streams of one hub's documents that take part in presence, by name. Threading: the
/// hub's executor.
class PresenceTable {
 public:
  void add(const std::string& stream, std::weak_ptr<PresenceEnd> end) {
    ends_[stream] = std::move(end);
  }
  void remove(const std::string& stream) { ends_.erase(stream); }

  /// None: there is no such stream, or it is another document's or somebody else's.
  std::shared_ptr<PresenceEnd> find(const std::string& stream, const base::DocumentId& document,
                                    const std::string& identity) const;

 private:
  std::unordered_map<std::string, std::weak_ptr<PresenceEnd>> ends_;
};

}  // namespace weft::gateway::http
