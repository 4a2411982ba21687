// What a simulation checks at each step, and at the end, when nothing goes wrong any more.

#include <gtest/gtest.h>

#include <algorithm>

#include "sim/simulation.h"

namespace weft::sim {

namespace {

/// What an envelope has beside its update, at most.
constexpr std::size_t envelope_overhead_bytes = 300;

}  // namespace

void Simulation::check_memory() {
  std::size_t message_bytes_max = publish_bytes_max_;
  for (const auto& client : clients_) {
    message_bytes_max = std::max(message_bytes_max, client->message_bytes_max());
  }
  for (const auto& document : documents_) {
    const auto status = hub(document).status(document);
    if (!status) continue;
    std::size_t& state_bytes_max = state_bytes_max_[document];
    state_bytes_max = std::max(state_bytes_max, status->state_bytes);
    // Every connection may be in the middle of one message when the bound is reached.
    EXPECT_LE(status->inflight_bytes,
              hub_options_.inflight_bytes_max +
                  (clients_.size() + 1) * (message_bytes_max + envelope_overhead_bytes))
        << "beyond the bound: in flight";
    // Three framings, each with the bound and one commit; frames are smaller than envelopes.
    EXPECT_LE(status->ring_bytes, 3 * (hub_options_.ring_bytes_max + disk_.commit_bytes_max))
        << "beyond the bound: rings";
    // A whole state and one remainder that is not larger than that; what came since the last look.
    const std::size_t news = 4 * disk_.commit_bytes_max + hub_options_.ring_bytes_max;
    EXPECT_LE(status->answer_bytes, 2 * state_bytes_max + news) << "beyond the bound: an answer";
    EXPECT_LE(status->catch_up_bytes, state_bytes_max + news) << "beyond the bound: a remainder";
    // A bound that nothing comes near is not tested.
    if (status->inflight_bytes > hub_options_.inflight_bytes_max) world_.met("full: in flight");
    if (2 * status->ring_bytes > hub_options_.ring_bytes_max) world_.met("full: ring");
    if (status->answer_bytes > 0) world_.met("answer that waits");
    if (status->catch_up_bytes > 0) world_.met("remainder kept");
  }
}

/// No more faults: everybody connects and must end equal, equal to the disk.
void Simulation::settle() {
  faults_ = {};
  world_.crash_after(World::never);
  // A crash would hide what only the server's memory has wrong.
  bool restart = world_.one_in(2);
  for (int round = 0; round < 200; ++round) {
    // The log may die of what had begun to fail before.
    if (restart || !log_->writable()) {
      crash();
      world_.crash_after(World::never);
      restart = false;
    }
    for (auto& client : clients_) {
      client->set_read_limit(0);
      connect(*client);
    }
    advance(std::chrono::milliseconds(100));
    if (converged() && events_complete() && unanswered_ == 0) break;
  }
  EXPECT_TRUE(converged()) << "clients did not converge" << documents_in_words();
  EXPECT_EQ(unanswered_, 0u) << "callers that still wait";
  EXPECT_TRUE(events_complete()) << "an event is missing";
  if (::testing::Test::HasFailure()) return;
  check_presence();
  if (world_.one_in(8)) check_keepalive();
  check_memory();
  check_eviction();
  check_fresh_server();
}

bool Simulation::converged() {
  return std::ranges::all_of(clients_, [&](const auto& client) {
    const auto& stored = truth_.durable(client->document());
    const auto& known = client->knowledge();
    return client->connected() && client->synced() && covers(stored, known) &&
           covers(known, stored);
  });
}

bool Simulation::events_complete() const {
  return std::ranges::all_of(watches_, [](const auto& watch) {
    return watch->failed() || watch->gaps_allowed() || watch->complete();
  });
}

/// Everybody sees who is there, and nobody else.
void Simulation::check_presence() {
  // A failed append may still be looked into, and presence waits behind edits.
  advance(std::chrono::seconds(3));
  const auto check = [&] {
    for (const auto& one : clients_) {
      if (!one->connected()) continue;
      std::map<std::uint64_t, std::string> present;
      for (const auto& other : clients_) {
        if (other != one && other->connected() && other->document() == one->document() &&
            !other->presence().empty()) {
          present[other->number()] = other->presence();
        }
      }
      EXPECT_EQ(one->others(), present) << "what client " << one->number() << " sees of others";
      world_.met("presence seen", present.size());
    }
  };
  check();
  any_client().disconnect();
  advance(std::chrono::milliseconds(500));
  check();
}

/// A client that nobody has anything to say to hears something all the same.
void Simulation::check_keepalive() {
  std::map<std::uint64_t, std::uint64_t> frames;
  for (const auto& client : clients_) frames[client->number()] = client->frames_received();
  advance(3 * hub_options_.keepalive_interval);
  for (const auto& client : clients_) {
    if (client->connected()) {
      EXPECT_GT(client->frames_received(), frames[client->number()]) << "silence";
    }
  }
}

/// A document that nobody uses does not stay in memory, broken or not.
void Simulation::check_eviction() {
  watches_.clear();
  for (auto& client : clients_) client->disconnect();
  advance(std::chrono::seconds(3));
  EXPECT_EQ(counters_.documents_live, 0u) << "documents that nobody uses" << documents_in_words();
}

/// A server that starts with nothing but the disk has all of it.
void Simulation::check_fresh_server() {
  crash();
  world_.crash_after(World::never);
  for (const auto& document : documents_) {
    std::optional<yjs::Knowledge> state;
    hub(document).read_state(document, [&](base::result<hub::StateRead> read) {
      ASSERT_TRUE(read) << read.error().message;
      state.emplace();
      EXPECT_TRUE(yjs::learn(read->update, *state));
    });
    advance(std::chrono::seconds(1));
    ASSERT_TRUE(state);
    EXPECT_TRUE(covers(*state, truth_.durable(document)));
    EXPECT_TRUE(covers(truth_.durable(document), *state));
  }
}

}  // namespace weft::sim
