#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "weft/hub/hub.h"

namespace weft::gateway::http {

/// Presence as server-sent events of the type "awareness", for sessions that hear no edits: those
/// come to event streams out of the log.
/// Source: docs/protocols.md, "Events".
class PresenceFraming final : public hub::Framing {
 public:
  bool carries_edits() const override { return false; }
  std::size_t header_bytes_max() const override { return 0; }
  std::size_t write_header(const hub::FrameInfo&, std::uint8_t*) const override;
  base::shared_bytes frame_awareness(base::byte_view awareness_update) const override;
};

class PresenceTable;

/// What a stream hears of the presence in its document, on its own executor.
class PresenceListener {
 public:
  virtual ~PresenceListener() = default;
  /// Ready events; call PresenceEnd::taken once they are on their way.
  virtual void on_presence(std::vector<base::shared_bytes> events) = 0;
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
/// presence. Events go to the stream a batch at a time, the next one once the last was taken.
///
/// Threading: the document's executor, apart from construction.
class PresenceEnd final : public hub::SessionEvents,
                          public std::enable_shared_from_this<PresenceEnd> {
 public:
  PresenceEnd(PresenceTicket ticket, base::Executor& stream, std::weak_ptr<PresenceListener*> slot)
      : ticket_(std::move(ticket)), stream_(stream), slot_(std::move(slot)) {}

  base::Executor& executor() const { return ticket_.hub.executor(); }
  const base::DocumentId& document() const { return ticket_.document; }

  void start();
  /// The stream has gone: its presence is withdrawn.
  void end();
  void taken();

  /// Takes what the stream's client says of itself. Errors: those of hub::Session::apply_awareness;
  /// unavailable until the document is live.
  base::result<void> apply(base::byte_view awareness_update);

  // hub::SessionEvents
  void on_live() override;
  void on_output() override;
  void on_resync() override {}
  void on_uncongested() override {}
  void on_ended(const base::error& why) override;

 private:
  void send();

  const PresenceTicket ticket_;
  base::Executor& stream_;
  const std::weak_ptr<PresenceListener*> slot_;
  std::unique_ptr<hub::Session> session_;
  bool live_ = false;
  bool scheduled_ = false;  ///< send() comes at the end of this turn
  bool under_way_ = false;  ///< a batch has not been taken yet
  bool more_ = false;       ///< something came meanwhile
};

/// The streams of one hub that take part in presence, by name. Threading: the hub's executor.
class PresenceTable {
 public:
  void add(const std::string& stream, std::weak_ptr<PresenceEnd> end) {
    ends_[stream] = std::move(end);
  }
  void remove(const std::string& stream) { ends_.erase(stream); }

  /// None: there is no such stream of that document.
  std::shared_ptr<PresenceEnd> find(const std::string& stream,
                                    const base::DocumentId& document) const;

 private:
  std::unordered_map<std::string, std::weak_ptr<PresenceEnd>> ends_;
};

/// A name that cannot be guessed: 32 hexadecimal digits. Any thread.
std::string new_stream_name();

}  // namespace weft::gateway::http
