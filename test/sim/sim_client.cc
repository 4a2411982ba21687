#include "sim/sim_client.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "weft/hub/errc.h"
#include "weft/yjs/sync_protocol.h"

namespace weft::sim {

namespace {

const SimFraming framing;
const DeflatedSimFraming deflated_framing;
const VersionedSimFraming versioned_framing;

constexpr std::size_t recent_max = 12;
constexpr std::size_t paste_max = 150;  ///< characters

std::map<std::uint64_t, std::uint64_t> decode_state_vector(base::byte_view bytes) {
  std::size_t at = 0;
  const auto number = [&] {
    std::uint64_t out = 0;
    for (unsigned shift = 0; at < bytes.size(); shift += 7) {
      const std::uint8_t byte = bytes[at++];
      out |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    return out;
  };
  std::map<std::uint64_t, std::uint64_t> out;
  for (auto left = number(); left > 0; --left) {
    const auto client = number();
    out[client] = number();
  }
  return out;
}

}  // namespace

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

Client::Client(World& world, Truth& truth, std::uint64_t number, base::DocumentId document)
    : world_(world),
      truth_(truth),
      number_(number),
      document_(std::move(document)),
      asks_(number % 3 == 0) {
  truth_.belongs(number_, document_);
}

Client::~Client() = default;

void Client::later(std::chrono::nanoseconds delay, base::task work) {
  world_.schedule(delay, [this, connection = connection_, work = std::move(work)]() mutable {
    if (connection == connection_) work();
  });
}

// --- the client's program -----------------------------------------------------------------------

void Client::connect(hub::Hub& hub) {
  ++connection_;
  // There are several wires.
  const hub::Framing& wire = asks_ ? static_cast<const hub::Framing&>(versioned_framing)
                             : number_ % 2 == 0 ? static_cast<const hub::Framing&>(framing)
                                                : deflated_framing;
  promised_at_join_ = truth_.promised(document_);
  auto joined = hub.join(document_, wire, *this, {"client-" + std::to_string(number_), {}});
  if (!joined) {
    EXPECT_EQ(joined.error().code, hub::errc::draining);
    world_.met("join while draining");
    return;
  }
  session_ = std::move(*joined);
  // As a stock client does, without waiting for the server.
  if (version_ && world_.one_in(2)) {
    base::byte_vector from(sizeof *version_);
    std::memcpy(from.data(), &*version_, sizeof *version_);
    send(Kind::resume, std::move(from));
  } else {
    send(Kind::step1, yjs::encode_state_vector(knowledge_.structs));
  }
  if (presence_number_ != 0) {
    ++presence_clock_;
    send_presence();
  }
}

void Client::disconnect() {
  ++connection_;
  session_.reset();
  live_ = synced_ = reading_ = paused_ = ending_ = false;
  frames_ = named_ = 0;
  placed_ = false;
  asked_.clear();
  arrival_ = {};
  arrived_.clear();
  others_.clear();
  expected_.reset();
  inbox_.clear();
}

void Client::send(Kind kind, base::byte_vector bytes) {
  message_bytes_max_ = std::max(message_bytes_max_, bytes.size());
  arrival_ = std::max(arrival_, world_.now() + world_.delay(1500));
  later(arrival_ - world_.now(), [this, message = Message{kind, std::move(bytes)}]() mutable {
    arrived_.push_back(std::move(message));
    serve();
  });
}

void Client::edit() {
  const bool deletes = clock_ > 0 && world_.one_in(5);
  const std::size_t length = world_.one_in(3) ? 1 + world_.random().below(paste_max) : 1;
  auto update = deletes ? delete_update(number_, world_.random().below(clock_))
                        : insert_update(number_, clock_, length);
  if (!deletes) clock_ += length;
  take(update, false);
  recent_.push_back(update);
  if (recent_.size() > recent_max) recent_.pop_front();
  // A stock client sends its edits before it is synced, too.
  if (connected()) send(Kind::update, std::move(update));
}

void Client::repeat_edits() {
  if (!connected() || recent_.size() < 2) return;
  std::vector<base::byte_vector> again(recent_.begin(), recent_.end());
  for (std::size_t i = again.size(); i > 1; --i) {
    std::swap(again[i - 1], again[world_.random().below(i)]);
  }
  again.resize(1 + world_.random().below(again.size()));
  for (auto& update : again) send(Kind::update, std::move(update));
  world_.met("edits repeated in another order");
}

void Client::be_present() {
  ++presence_number_;
  ++presence_clock_;
  if (connected()) send_presence();
}

void Client::send_presence() {
  const std::string state = presence();
  const yjs::AwarenessEntry entry{number_, presence_clock_, state};
  send(Kind::awareness, yjs::encode_awareness_update({&entry, 1}));
}

std::string Client::presence() const {
  return presence_number_ == 0 ? std::string() : "{\"n\":" + std::to_string(presence_number_) + "}";
}

std::map<std::uint64_t, std::string> Client::others() const {
  std::map<std::uint64_t, std::string> out;
  for (const auto& [client, other] : others_) {
    if (other.state != "null") out[client] = other.state;
  }
  return out;
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

void Client::on_server_step1(base::byte_view asked) {
  auto missing = yjs::diff(everything(), asked);
  WEFT_CHECK(missing.has_value());
  send(Kind::step2, std::move(*missing));
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
    const std::uint8_t type =
        inbox_[at] & ~(DeflatedSimFraming::deflated | VersionedSimFraming::versioned);
    const bool versioned = (inbox_[at] & VersionedSimFraming::versioned) != 0;
    const std::size_t header_bytes =
        SimFraming::header_bytes + (versioned ? VersionedSimFraming::version_bytes : 0);
    if (inbox_.size() - at < header_bytes + size) break;
    std::uint64_t version = 0;
    if (versioned) std::memcpy(&version, &inbox_[at + SimFraming::header_bytes], sizeof version);
    base::byte_view body(inbox_.data() + at + header_bytes, size);
    if (inbox_[at] & DeflatedSimFraming::deflated) {
      const auto inflated = inflater_.inflate(body, 1u << 20);
      WEFT_CHECK(inflated.what == net::Inflater::outcome::done);
      body = inflated.bytes;
    }
    ++frames_;
    if (type == SimFraming::awareness_type) {
      take_presence(body);
    } else if (type == VersionedSimFraming::acknowledgement) {
      std::uint64_t words[3];
      std::memcpy(words, body.data(), sizeof words);
      take_acknowledgement(words[0], words[1], words[2]);
    } else {
      take(body, true);
      on_version(version);
      if (type == static_cast<std::uint8_t>(yjs::sync_type::step2)) become_synced();
    }
    at += header_bytes + size;
  }
  inbox_.erase(inbox_.begin(), inbox_.begin() + static_cast<std::ptrdiff_t>(at));
}

void Client::become_synced() {
  synced_ = true;
  if (!expected_) return;
  EXPECT_TRUE(covers(knowledge_, *expected_))
      << "client " << number_ << " is synced without what was promised before it joined "
      << base::to_string(document_);
  expected_.reset();
}

/// Versions only rise, and each means that nothing before it is missing.
void Client::on_version(std::uint64_t version_and_one) {
  if (version_and_one == 0) return;
  EXPECT_GE(version_and_one, named_) << "client " << number_ << ": a version that fell";
  named_ = version_and_one;
  version_ = version_and_one - 1;
  if (world_.one_in(4)) truth_.delivered(document_, knowledge_, {*version_});
}

void Client::take_acknowledgement(std::uint64_t token, std::uint64_t record_and_one,
                                  std::uint64_t version_and_one) {
  ASSERT_FALSE(asked_.empty()) << "client " << number_ << ": nothing was to be acknowledged";
  ASSERT_EQ(asked_.front().token, token) << "client " << number_ << ": not in order";
  const base::byte_vector update = std::move(asked_.front().update);
  asked_.pop_front();
  on_version(version_and_one);
  if (record_and_one == 0) {
    EXPECT_TRUE(update.empty() || yjs::is_empty(update).value_or(false))
        << "an edit was acknowledged without a record";
  } else if (!update.empty()) {
    truth_.acknowledged(document_, update, {record_and_one - 1});
  }
  if (update.empty()) {
    world_.met("resumed at a version");
    become_synced();
  } else {
    world_.met("edit acknowledged in the stream");
  }
}

void Client::take(base::byte_view update, bool shown) {
  if (shown) {
    world_.trace("shown", number_, update);
    truth_.shown(document_, update);
  }
  WEFT_CHECK(yjs::learn(update, knowledge_).has_value());
  updates_.emplace_back(update.begin(), update.end());
  if (updates_.size() > 64) {
    auto all = everything();
    updates_.clear();
    updates_.push_back(std::move(all));
  }
}

void Client::take_presence(base::byte_view awareness_update) {
  const auto entries = yjs::decode_awareness(awareness_update);
  WEFT_CHECK(entries.has_value());
  if (entries->empty()) world_.met("keepalive");
  for (const auto& entry : *entries) {
    world_.trace("presence", entry.client, base::as_bytes(entry.state));
    if (entry.client == number_) {
      // Somebody has withdrawn what is still here: say it again, as y-protocols does.
      const bool wrong = entry.clock > presence_clock_ ||
                         (entry.clock == presence_clock_ && entry.state == "null");
      if (wrong && presence_number_ != 0) {
        presence_clock_ = entry.clock + 1;
        send_presence();
      }
      continue;
    }
    auto [it, added] = others_.try_emplace(entry.client);
    Other& other = it->second;
    if (added || entry.clock > other.clock ||
        (entry.clock == other.clock && entry.state == "null")) {
      other = {entry.clock, std::string(entry.state)};
    }
  }
}

// --- the server's side of its connection --------------------------------------------------------

void Client::on_live() {
  live_ = true;
  const auto held = decode_state_vector(session_->state_vector());
  for (const auto& [client, ranges] : promised_at_join_.structs.clients()) {
    const auto promised = promised_at_join_.structs.contiguous_end(client);
    const auto it = held.find(client);
    EXPECT_TRUE(promised == 0 || (it != held.end() && it->second >= promised))
        << base::to_string(document_) << " is open without what was promised";
  }
  ask_for_missing();
  session_->resend_awareness();
  later({}, [this] { serve(); });
}

void Client::ask_for_missing() {
  later(world_.delay(1500), [this, asked = session_->state_vector()] { on_server_step1(asked); });
}

void Client::serve() {
  while (live_ && !paused_ && !ending_ && !arrived_.empty()) {
    const Message message = std::move(arrived_.front());
    arrived_.pop_front();
    if (auto ok = serve(message); !ok) return end(ok.error());
    if (session_->congested()) {
      paused_ = true;
      world_.met("congestion");
    }
  }
}

base::result<void> Client::serve(const Message& message) {
  switch (message.kind) {
    case Kind::step1:
      expected_ = truth_.promised(document_);
      place();
      return session_->answer(message.bytes);
    case Kind::step2:
      return session_->submit(
          {.update = message.bytes, .from_sync = true, .token = ask(message.bytes)});
    case Kind::update:
      return session_->submit({.update = message.bytes, .token = ask(message.bytes)});
    case Kind::resume: {
      expected_ = truth_.promised(document_);
      std::uint64_t version = 0;
      std::memcpy(&version, message.bytes.data(), sizeof version);
      place();
      session_->resume({version + 1});
      const std::uint64_t token = *ask({});
      session_->acknowledge(token);
      return {};
    }
    case Kind::awareness:
      return session_->apply_awareness(message.bytes);
  }
  return {};
}

/// A client that counts versions is sent nothing before its place in the stream is known.
void Client::place() {
  if (!std::exchange(placed_, true)) on_output();
}

/// The token that an edit is to be acknowledged with, by a client that wants that.
std::optional<std::uint64_t> Client::ask(base::byte_view update) {
  if (!asks_) return std::nullopt;
  asked_.push_back({next_token_, {update.begin(), update.end()}});
  return next_token_++;
}

void Client::on_acknowledged(std::uint64_t token, const hub::Acknowledgement& what,
                             net::GatherSink& sink) {
  sink.add(VersionedSimFraming::frame_acknowledgement(token, what.record, what.version));
}

void Client::on_unacknowledged(std::uint64_t token, const base::error& why) {
  EXPECT_EQ(why.code, hub::errc::unavailable);
  world_.met("edit that was not acknowledged");
  const auto it = std::ranges::find(asked_, token, &Asked::token);
  ASSERT_NE(it, asked_.end());
  // A resumption that could not be told from its end begins anew.
  const bool resumption = it->update.empty();
  asked_.erase(it);
  if (resumption && !ending_) {
    later({}, [this] { send(Kind::step1, yjs::encode_state_vector(knowledge_.structs)); });
  }
}

void Client::end(const base::error& why) {
  if (ending_) return;
  ending_ = true;
  world_.trace("ended", number_, base::as_bytes(why.message));
  EXPECT_TRUE(why.code == hub::errc::unavailable || why.code == hub::errc::broken ||
              why.code == hub::errc::draining)
      << "client " << number_ << " was refused: " << why.message;
  if (why.code == hub::errc::broken) truth_.broken(document_, why.message);
  // What fails is told in the middle of something: the session goes in a task of its own.
  later({}, [this] { disconnect(); });
}

void Client::on_resync() {
  world_.met("resync");
  ask_for_missing();
}

void Client::on_uncongested() {
  paused_ = false;
  later({}, [this] { serve(); });
}

void Client::on_ended(const base::error& why) { end(why); }

void Client::on_output() {
  if (reading_ || (asks_ && !placed_)) return;
  reading_ = true;
  later(read_limit_ == 0 ? world_.delay(300) : world_.delay(20'000), [this] { read(); });
}

}  // namespace weft::sim
