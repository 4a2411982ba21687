#include "sim/sim_client.h"

#include <cstring>

namespace weft::sim {

namespace {

void put_varint(base::byte_vector& out, std::uint64_t value) {
  while (value > 0x7f) {
    out.push_back(static_cast<std::uint8_t>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<std::uint8_t>(value));
}

void put_text(base::byte_vector& out, std::string_view text) {
  put_varint(out, text.size());
  out.insert(out.end(), text.begin(), text.end());
}

const SimFraming framing;
const DeflatedSimFraming deflated_framing;

}  // namespace

base::byte_vector insert_update(std::uint64_t client, std::uint64_t clock) {
  constexpr std::uint8_t content_string = 4;
  constexpr std::uint8_t has_origin = 0x80;
  base::byte_vector out;
  put_varint(out, 1);  // one client
  put_varint(out, 1);  // one struct
  put_varint(out, client);
  put_varint(out, clock);
  if (clock == 0) {
    out.push_back(content_string);
    put_varint(out, 1);  // the parent is a root type
    put_text(out, "content");
  } else {
    out.push_back(content_string | has_origin);
    put_varint(out, client);
    put_varint(out, clock - 1);
  }
  put_text(out, std::string(1, static_cast<char>('a' + clock % 26)));
  put_varint(out, 0);  // no deletions
  return out;
}

base::byte_vector delete_update(std::uint64_t client, std::uint64_t clock) {
  base::byte_vector out;
  put_varint(out, 0);
  put_varint(out, 1);
  put_varint(out, client);
  put_varint(out, 1);
  put_varint(out, clock);
  put_varint(out, 1);
  return out;
}

std::size_t SimFraming::write_header(yjs::sync_type type, std::size_t update_bytes,
                                     std::uint8_t* out) const {
  out[0] = static_cast<std::uint8_t>(type);
  const auto size = static_cast<std::uint32_t>(update_bytes);
  std::memcpy(out + 1, &size, sizeof size);
  return header_bytes;
}

base::shared_bytes SimFraming::frame_awareness(base::byte_view awareness_update) const {
  return base::shared_bytes::build(header_bytes + awareness_update.size(), [&](std::uint8_t* out) {
    write_header(yjs::sync_type::update, awareness_update.size(), out);
    out[0] = awareness_type;
    std::memcpy(out + header_bytes, awareness_update.data(), awareness_update.size());
  });
}

std::size_t DeflatedSimFraming::write_header(yjs::sync_type type, std::size_t update_bytes,
                                             std::uint8_t* out) const {
  return framing.write_header(type, update_bytes, out);
}

std::optional<std::size_t> DeflatedSimFraming::rewrite(yjs::sync_type type, base::byte_view update,
                                                       std::uint8_t* out) const {
  const std::span<std::uint8_t> body{out + SimFraming::header_bytes,
                                     update.size() - SimFraming::header_bytes};
  const auto size = net::deflate_message({update}, body);
  if (!size) return std::nullopt;
  framing.write_header(type, *size, out);
  out[0] |= deflated;
  return SimFraming::header_bytes + *size;
}

base::shared_bytes DeflatedSimFraming::frame_awareness(base::byte_view awareness_update) const {
  return framing.frame_awareness(awareness_update);
}

/// Takes at most the client's read limit per call, as a full socket would.
class Client::Sink final : public net::GatherSink {
 public:
  Sink(base::byte_vector& out, std::size_t limit) : out_(out), room_(limit) {}
  void add(base::shared_bytes framed) override {
    out_.insert(out_.end(), framed.data(), framed.data() + framed.size());
    room_ -= std::min(room_, framed.size());
  }
  std::size_t room() const override { return room_; }

 private:
  base::byte_vector& out_;
  std::size_t room_;
};

Client::Client(World& world, std::uint64_t number, base::DocumentId document,
               std::function<void(base::byte_view)> on_seen)
    : world_(world),
      number_(number),
      document_(std::move(document)),
      on_seen_(std::move(on_seen)) {}

Client::~Client() = default;

void Client::connect(hub::Hub& hub) {
  ++connection_;
  // Every other one has its own wire.
  const hub::Framing& wire =
      number_ % 2 == 0 ? static_cast<const hub::Framing&>(framing) : deflated_framing;
  auto joined = hub.join(document_, wire, *this, {"client-" + std::to_string(number_), {}});
  WEFT_CHECK(joined.has_value());
  session_ = std::move(*joined);
}

void Client::disconnect() {
  ++connection_;
  session_.reset();
  live_ = synced_ = reading_ = false;
  inbox_.clear();
}

void Client::server_died() { disconnect(); }

void Client::edit() {
  const bool deletes = clock_ > 0 && world_.one_in(5);
  const auto update = deletes ? delete_update(number_, world_.random().below(clock_))
                              : insert_update(number_, clock_++);
  take(update, false);
  // A stock client sends its edits before it is synced, too.
  if (live_ && !session_->submit(update, false)) refused_ = true;
}

base::byte_vector Client::everything() const {
  std::vector<base::byte_view> views(updates_.begin(), updates_.end());
  if (views.empty()) {
    return {yjs::empty_update().begin(), yjs::empty_update().end()};
  }
  auto merged = yjs::merge(views);
  WEFT_CHECK(merged.has_value());
  return std::move(*merged);
}

void Client::on_live() {
  live_ = true;
  answer_server();
  // The client's SyncStep1 travels for a while.
  world_.schedule(world_.delay(1000), [this, connection = connection_] {
    if (connection != connection_) return;
    WEFT_CHECK(session_->answer(yjs::encode_state_vector(knowledge_.structs)).has_value());
  });
}

void Client::answer_server() {
  // The server's SyncStep1 and the client's SyncStep2, each some time on the way.
  world_.schedule(world_.delay(2000),
                  [this, connection = connection_, asked = session_->state_vector()] {
                    if (connection != connection_) return;
                    auto missing = yjs::diff(everything(), asked);
                    WEFT_CHECK(missing.has_value());
                    if (!session_->submit(*missing, true)) refused_ = true;
                  });
}

void Client::on_resync() { answer_server(); }

void Client::on_ended(const base::error&) {
  world_.post([this, connection = connection_] {
    if (connection == connection_) disconnect();
  });
}

void Client::on_output() {
  if (reading_) return;
  reading_ = true;
  const auto pause = read_limit_ == 0 ? world_.delay(300) : world_.delay(20'000);
  world_.schedule(pause, [this, connection = connection_] {
    if (connection == connection_) read();
  });
}

void Client::read() {
  reading_ = false;
  Sink sink(inbox_, read_limit_ == 0 ? std::size_t{1} << 20 : read_limit_);
  session_->collect(sink);
  receive();
}

void Client::receive() {
  std::size_t at = 0;
  while (inbox_.size() - at >= SimFraming::header_bytes) {
    std::uint32_t size = 0;
    std::memcpy(&size, inbox_.data() + at + 1, sizeof size);
    if (inbox_.size() - at - SimFraming::header_bytes < size) break;
    const std::uint8_t type = inbox_[at] & ~DeflatedSimFraming::deflated;
    base::byte_view body(inbox_.data() + at + SimFraming::header_bytes, size);
    if (type != inbox_[at]) {
      const auto inflated = inflater_.inflate(body, 1u << 20);
      WEFT_CHECK(inflated.what == net::Inflater::outcome::done);
      body = inflated.bytes;
    }
    if (type != SimFraming::awareness_type) {
      take(body, true);
      synced_ |= type == static_cast<std::uint8_t>(yjs::sync_type::step2);
    }
    at += SimFraming::header_bytes + size;
  }
  inbox_.erase(inbox_.begin(), inbox_.begin() + static_cast<std::ptrdiff_t>(at));
}

void Client::take(base::byte_view update, bool shown) {
  if (shown) on_seen_(update);
  WEFT_CHECK(yjs::learn(update, knowledge_).has_value());
  updates_.emplace_back(update.begin(), update.end());
  if (updates_.size() > 64) {
    auto all = everything();
    updates_.clear();
    updates_.push_back(std::move(all));
  }
}

}  // namespace weft::sim
