#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sim/sim_truth.h"
#include "sim/sim_wire.h"
#include "sim/sim_world.h"
#include "weft/hub/hub.h"
#include "weft/net/deflate.h"

namespace weft::sim {

/// One client program with its connection: keeps its document across connections and crashes of the
/// server, types, deletes, repeats itself, is present, goes offline, reads slowly. Its edits are
/// real Yjs updates (text inserts, each behind the client's previous one, and deletions of them).
///
/// Its messages travel for a while and arrive in order, as over TCP; what is on the way when the
/// connection goes is lost. The server's side of the connection does what the y-websocket gateway
/// does: asks for what is missing, sends presence, stops reading while the document is congested.
class Client final : public hub::SessionEvents {
 public:
  Client(World& world, Truth& truth, std::uint64_t number, base::DocumentId document);
  ~Client() override;

  void connect(hub::Hub& hub);
  void disconnect();
  bool connected() const { return session_ != nullptr; }

  /// Makes one edit, and sends it when connected.
  void edit();
  /// Sends some of its latest edits again, in another order.
  void repeat_edits();
  /// Changes its presence, and sends that when connected.
  void be_present();

  /// A slow client takes only `bytes` per read from now on; 0: as much as there is.
  void set_read_limit(std::size_t bytes) { read_limit_ = bytes; }

  const yjs::Knowledge& knowledge() const { return knowledge_; }
  const base::DocumentId& document() const { return document_; }
  std::uint64_t number() const { return number_; }
  bool synced() const { return synced_; }
  std::size_t message_bytes_max() const { return message_bytes_max_; }

  /// Its own presence, empty while it has none; and what it sees of others, by client.
  std::string presence() const;
  std::map<std::uint64_t, std::string> others() const;

  /// Frames of any kind that it got on this connection.
  std::uint64_t frames_received() const { return frames_; }

  void on_live() override;
  void on_output() override;
  void on_resync() override;
  void on_uncongested() override;
  void on_ended(const base::error& why) override;
  void on_acknowledged(std::uint64_t token, const hub::Acknowledgement& what,
                       net::GatherSink& sink) override;
  void on_unacknowledged(std::uint64_t token, const base::error& why) override;

 private:
  class Sink;
  enum class Kind : std::uint8_t { step1, step2, update, awareness, resume };
  struct Message {
    Kind kind;
    base::byte_vector bytes;
  };
  struct Other {
    std::uint64_t clock = 0;
    std::string state;
  };

  /// An edit that the server was asked to acknowledge, or (without one) the end of a resumption.
  struct Asked {
    std::uint64_t token;
    base::byte_vector update;
  };

  // The client's program.
  void send(Kind kind, base::byte_vector bytes);
  void send_presence();
  void read();
  void receive();
  void take(base::byte_view update, bool shown);
  void take_presence(base::byte_view awareness_update);
  void on_server_step1(base::byte_view asked);
  void on_version(std::uint64_t version_and_one);
  void take_acknowledgement(std::uint64_t token, std::uint64_t record_and_one,
                            std::uint64_t version_and_one);
  void become_synced();
  base::byte_vector everything() const;

  // The server's side of its connection.
  void serve();
  base::result<void> serve(const Message& message);
  std::optional<std::uint64_t> ask(base::byte_view update);
  void place();
  void ask_for_missing();
  void end(const base::error& why);

  /// Runs `work` after `delay` if the connection is still the same.
  void later(std::chrono::nanoseconds delay, base::task work);

  World& world_;
  Truth& truth_;
  const std::uint64_t number_;
  const base::DocumentId document_;
  const bool asks_;  ///< it has its edits acknowledged, and resumes at the version that it has
  std::unique_ptr<hub::Session> session_;
  std::uint64_t connection_ = 0;  ///< stale tasks of earlier connections recognise themselves

  std::uint64_t clock_ = 0;
  yjs::Knowledge knowledge_;
  std::vector<base::byte_vector> updates_;
  std::deque<base::byte_vector> recent_;  ///< its own latest edits
  std::size_t message_bytes_max_ = 0;
  std::uint64_t presence_clock_ = 0;
  std::uint64_t presence_number_ = 0;  ///< 0: it has none
  std::map<std::uint64_t, Other> others_;

  std::optional<std::uint64_t> version_;  ///< everything up to it was delivered

  // Of this connection.
  std::deque<Asked> asked_;  ///< in the order in which they must be answered
  bool placed_ = false;      ///< its place in the stream is where it asked for: versions count
  std::uint64_t next_token_ = 0;
  std::uint64_t named_ = 0;  ///< the latest version that was named on it, plus one
  bool live_ = false;
  bool synced_ = false;
  bool reading_ = false;
  bool paused_ = false;
  bool ending_ = false;
  std::uint64_t frames_ = 0;
  std::size_t read_limit_ = 0;
  base::monotonic_time arrival_{};  ///< of the message sent last
  std::deque<Message> arrived_;
  yjs::Knowledge promised_at_join_;
  std::optional<yjs::Knowledge> expected_;  ///< the answer to step 1 must bring this
  base::byte_vector inbox_;
  net::Inflater inflater_;
};

}  // namespace weft::sim
