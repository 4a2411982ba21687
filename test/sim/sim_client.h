#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "sim/sim_log.h"
#include "sim/sim_world.h"
#include "weft/hub/hub.h"
#include "weft/net/deflate.h"

namespace weft::sim {

/// One client program: keeps its document across connections and crashes of the server, types,
/// deletes, goes offline, reads slowly. Its edits are real Yjs updates (text inserts, each behind
/// the client's previous one, and deletions of them).
class Client final : public hub::SessionEvents {
 public:
  /// `on_seen(update)` is called for every update that the server showed to this client.
  Client(World& world, std::uint64_t number, base::DocumentId document,
         std::function<void(base::byte_view)> on_seen);
  ~Client() override;

  void connect(hub::Hub& hub);
  void disconnect();
  bool connected() const { return session_ != nullptr; }
  /// The hub is gone with the crash: so is the session.
  void server_died();

  /// Makes one edit, and sends it when connected.
  void edit();

  /// A slow client takes only `bytes` per read from now on; 0: as much as there is.
  void set_read_limit(std::size_t bytes) { read_limit_ = bytes; }

  const yjs::Knowledge& knowledge() const { return knowledge_; }
  std::uint64_t number() const { return number_; }
  bool synced() const { return synced_; }
  bool refused() const { return refused_; }

  void on_live() override;
  void on_output() override;
  void on_resync() override;
  void on_uncongested() override {}
  void on_ended(const base::error& why) override;

 private:
  class Sink;

  void read();
  void receive();
  void take(base::byte_view update, bool shown);
  void answer_server();
  base::byte_vector everything() const;

  World& world_;
  const std::uint64_t number_;
  const base::DocumentId document_;
  std::function<void(base::byte_view)> on_seen_;
  std::unique_ptr<hub::Session> session_;
  std::uint64_t connection_ = 0;  ///< stale tasks of earlier connections recognise themselves
  bool live_ = false;
  bool synced_ = false;
  bool reading_ = false;
  bool refused_ = false;
  std::size_t read_limit_ = 0;
  std::uint64_t clock_ = 0;
  yjs::Knowledge knowledge_;
  std::vector<base::byte_vector> updates_;
  base::byte_vector inbox_;
  net::Inflater inflater_;
};

/// The wire of the simulation: `[type][length: 4 bytes LE][update]`.
class SimFraming final : public hub::Framing {
 public:
  std::size_t write_header(yjs::sync_type type, std::size_t update_bytes,
                           std::uint8_t* out) const override;
  base::shared_bytes frame_awareness(base::byte_view awareness_update) const override;

  static constexpr std::size_t header_bytes = 5;
  static constexpr std::uint8_t awareness_type = 9;
};

/// The same, with updates deflated where that is shorter: `[type | deflated][length][deflated]`.
class DeflatedSimFraming final : public hub::Framing {
 public:
  std::size_t write_header(yjs::sync_type type, std::size_t update_bytes,
                           std::uint8_t* out) const override;
  bool rewrites(std::size_t update_bytes) const override { return update_bytes >= 20; }
  std::size_t rewrite_at_once_bytes_max() const override { return 300; }
  std::optional<std::size_t> rewrite(yjs::sync_type type, base::byte_view update,
                                     std::uint8_t* out) const override;
  base::shared_bytes frame_awareness(base::byte_view awareness_update) const override;

  static constexpr std::uint8_t deflated = 0x40;
};

/// A one-character insert by `client` at `clock`, behind its previous one (at the start of the text
/// "content" when clock is 0), as Yjs encodes it.
base::byte_vector insert_update(std::uint64_t client, std::uint64_t clock);
/// A deletion of the character that `client` inserted at `clock`.
base::byte_vector delete_update(std::uint64_t client, std::uint64_t clock);

}  // namespace weft::sim
