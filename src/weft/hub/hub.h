#pragma once

#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "weft/hub/live_document.h"

namespace weft::hub {

/// One line about a live document, for lists and operators.
struct DocumentSummary {
  base::DocumentId document;
  std::size_t sessions = 0;
  base::log_offset end;
};

/// The live documents of one executor. A server runs one hub per I/O thread and sends each document
/// to one of them (see HubSet), which is how a document has a single writer.
///
/// Threading: parts.executor, except where said.
class Hub {
 public:
  Hub(HubParts parts, HubOptions options);
  ~Hub();
  Hub(const Hub&) = delete;
  Hub& operator=(const Hub&) = delete;

  base::Executor& executor() { return parts_.executor; }

  /// Joins a document, loading it if nobody has it open. The session hears on_live or on_ended
  /// later, never from inside this call. Errors: draining, forbidden, expired.
  base::result<std::unique_ptr<Session>> join(const base::DocumentId& document,
                                              const FramingSource& framing, SessionEvents& events,
                                              SessionInfo info);

  /// Appends an update; `done` gets the offset once it is durable.
  void publish(const base::DocumentId& document, base::byte_vector update, const SessionInfo& info,
               LiveDocument::position_callback done);

  /// Appends several updates in order; see LiveDocument::publish_all.
  void publish_all(const base::DocumentId& document, std::vector<base::shared_bytes> updates,
                   SessionInfo info, std::optional<PublishCondition> condition,
                   log::callback<std::vector<PublishedItem>> done);

  /// The committed state of a document as it lies in memory, loading it if nobody has it open.
  void view(const base::DocumentId& document, log::callback<DocumentView> done);

  /// The committed state of a document as one compacted update; see LiveDocument::read_state.
  void read_state(const base::DocumentId& document, log::callback<StateRead> done);

  /// Follows the next edit of a document, loading it if nobody has it open; see
  /// LiveDocument::trace.
  void trace(const base::DocumentId& document, std::chrono::milliseconds wait,
             EditTrace::callback done);

  /// A document that is in memory; none when nobody uses it.
  std::optional<DocumentStatus> status(const base::DocumentId& document) const;

  std::vector<DocumentSummary> live_documents() const;

  /// The documents that cannot be read. Any thread.
  Quarantine& quarantine() const { return *parts_.quarantine; }

  /// Starts the timers for keep-alive and eviction. Once, on the executor.
  void start();

  /// Refuses new sessions and publishes, ends those there are, waits for what is in flight, writes
  /// snapshots, then calls `done`.
  void drain(base::task done);

  const HubOptions& options() const { return options_; }

 private:
  std::shared_ptr<LiveDocument> open(const base::DocumentId& document);
  void sweep();
  void keepalive();
  void drain_step();

  std::unique_ptr<Quarantine> own_quarantine_;  ///< when parts had none
  HubParts parts_;
  const HubOptions options_;
  std::unordered_map<base::DocumentId, std::shared_ptr<LiveDocument>> documents_;
  std::uint64_t next_session_ = 1;
  bool draining_ = false;
  base::task drained_;
  base::timer_id sweep_timer_ = 0;
  base::timer_id keepalive_timer_ = 0;
};

/// Which hub a document lives on: the same one for every connection of this process.
class HubSet {
 public:
  explicit HubSet(std::vector<Hub*> hubs) : hubs_(std::move(hubs)) {}

  /// Any thread.
  Hub& at(const base::DocumentId& document) const {
    return *hubs_[std::hash<base::DocumentId>{}(document) % hubs_.size()];
  }
  std::size_t index(const base::DocumentId& document) const {
    return std::hash<base::DocumentId>{}(document) % hubs_.size();
  }
  const std::vector<Hub*>& all() const { return hubs_; }

 private:
  std::vector<Hub*> hubs_;
};

}  // namespace weft::hub
