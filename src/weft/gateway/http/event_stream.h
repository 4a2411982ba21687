#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "weft/gateway/http/presence.h"
#include "weft/hub/document_feed.h"
#include "weft/net/http.h"

namespace weft::gateway::http {

/// Writes edits as server-sent events of the type "update".
/// Source: the HTML standard, "Server-sent events"; docs/protocols.md, "Events".
class EventWriter final : public hub::EditWriter {
 public:
  void write(const hub::LoggedEdit& edit, base::log_identity log, std::string& out) const override;
};

/// "event: <type>", an id when there is one, and the data.
std::string event_text(std::string_view type, std::string_view id, std::string_view data);

/// One client that listens to a document: a cursor into its edits, and a comment now and then.
///
/// Threading: the connection's executor.
class EventStream final : public net::HttpStreamBody,
                          public hub::FeedEvents,
                          public PresenceListener {
 public:
  /// Starts with the edit at `from` and ends at `expires`; `greeting` goes first. With a ticket it
  /// takes part in the document's presence.
  EventStream(std::shared_ptr<hub::DocumentFeed> feed, base::log_offset from, std::string greeting,
              std::chrono::milliseconds keepalive, base::monotonic_time expires,
              std::atomic<std::size_t>& open, std::optional<PresenceTicket> presence);
  ~EventStream() override;

  void on_open(net::HttpStream& stream) override;
  void on_gather(net::GatherSink& sink) override;
  void on_drain() override;
  void on_closed() override;

  void on_output() override;
  void on_failed(const base::error& why) override;

  // PresenceListener
  void on_presence(std::vector<base::shared_bytes> events) override;
  void on_presence_ended(const base::error& why) override;

 private:
  void schedule_keepalive();
  void add_presence(net::GatherSink& sink);
  void leave_presence();
  void end_with(std::string text);

  std::shared_ptr<hub::DocumentFeed> feed_;
  const base::log_offset from_;
  const std::chrono::milliseconds keepalive_;
  const base::monotonic_time expires_;
  std::atomic<std::size_t>& open_;
  net::HttpStream* stream_ = nullptr;
  std::unique_ptr<hub::FeedReader> reader_;  ///< none when the permission has expired
  std::string waiting_;                      ///< greeting, comments
  std::string ending_;                       ///< what goes last
  base::timer_id timer_ = 0;
  std::optional<PresenceTicket> ticket_;  ///< until it is open
  presence_slot slot_;                    ///< this, while it is open
  std::shared_ptr<PresenceEnd> presence_;
  std::vector<base::shared_bytes> presence_events_;
  base::timer_id expiry_timer_ = 0;
  bool quiet_ = true;  ///< nothing was sent since the last look
  bool ending_soon_ = false;
};

}  // namespace weft::gateway::http
