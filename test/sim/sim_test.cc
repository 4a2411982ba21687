// The hub with many clients in one thread from a seed: crashes that lose unsynced writes, failing
// appends and loads, slow readers, offline editing. docs/reliability.md says what is checked.
//
// Replay: WEFT_SIM_SEED=<seed> sim_test; more: WEFT_SIM_SEEDS=<count>.

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>

#include "sim/sim_client.h"
#include "sim/sim_log.h"
#include "sim/sim_world.h"

namespace weft::sim {
namespace {

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text ? std::strtoull(text, nullptr, 10) : otherwise;
}

/// What the disk would give a fresh process: knowledge of every durable record.
yjs::Knowledge durable_knowledge(const Disk& disk, const base::DocumentId& document) {
  yjs::Knowledge out;
  for (const auto& stored : disk.durable) {
    if (stored.document != document) continue;
    const auto parts = protocol::split_envelope(stored.entry.record.envelope);
    std::size_t consumed = 0;
    const auto message = yjs::decode_message(parts->payload, consumed);
    EXPECT_TRUE(yjs::learn(message->body, out));
  }
  return out;
}

bool covers(const yjs::Knowledge& all, const yjs::Knowledge& part) {
  auto inside = [](const yjs::IdSet& a, const yjs::IdSet& b) {
    for (const auto& [client, ranges] : b.clients()) {
      for (const auto& range : ranges) {
        if (!a.contains(client, range)) return false;
      }
    }
    return true;
  };
  return inside(all.structs, part.structs) && inside(all.deletions, part.deletions);
}

class Simulation {
 public:
  /// What a set of seeds ran into, so that a simulation which exercises nothing cannot pass.
  struct Coverage {
    std::uint64_t crashes = 0, catch_ups = 0, compactions = 0, snapshots = 0, append_failures = 0,
                  load_failures = 0, evictions = 0, contained = 0;
  };

  explicit Simulation(std::uint64_t seed) : world_(seed) {
    options_.ring_bytes_max = 200;
    options_.compact_tail_bytes_min = 512;
    options_.compact_tail_records_max = 64;
    options_.snapshot_bytes_min = 1024;
    options_.answer_slice_bytes = 1024;
    options_.idle_evict_after = std::chrono::milliseconds(50);
    const std::size_t documents = 1 + world_.random().below(3);
    for (std::size_t i = 0; i < documents; ++i) {
      documents_.push_back({"room", "doc-" + std::to_string(i), {}});
    }
    const std::size_t clients = 2 + world_.random().below(10);
    for (std::size_t i = 0; i < clients; ++i) {
      const auto& document = documents_[i % documents];
      clients_.push_back(std::make_unique<Client>(
          world_, 100 + i, document,
          [this, document](base::byte_view update) { shown(document, update); }));
    }
    faults_.overloaded_one_in = world_.one_in(2) ? 20 : 0;
    faults_.append_fails_one_in = world_.one_in(2) ? 40 : 0;
    faults_.load_fails_one_in = world_.one_in(2) ? 10 : 0;
    start_server();
  }

  ~Simulation() {
    for (auto& client : clients_) client->server_died();
    world_.drop_everything();  // its tasks refer to what is destroyed before it
  }

  void run() {
    for (int step = 0; step < 400; ++step) {
      one_step();
      world_.run_until(world_.now() + world_.delay(3000));
      if (::testing::Test::HasFailure()) return;
    }
    settle();
  }

  void add_coverage(Coverage& to) const {
    to.crashes += crashes_;
    to.catch_ups += counters_.catch_ups;
    to.compactions += counters_.compactions;
    to.snapshots += counters_.snapshots;
    to.append_failures += counters_.append_failures;
    to.load_failures += counters_.load_failures;
    to.evictions += counters_.evictions;
    to.contained += counters_.edits_contained;
  }

 private:
  void start_server() {
    log_ = std::make_unique<SimLog>(world_, disk_, faults_);
    next_seq_ = log_->next_seq();
    hub_ = std::make_unique<hub::Hub>(
        hub::HubParts{world_, world_, *log_, *log_, next_seq_, counters_, events_}, options_);
    hub_->start();
  }

  void crash() {
    ++crashes_;
    // Of what was written and not synced, any prefix may have reached the disk all the same.
    const std::size_t kept = world_.random().below(disk_.unsynced.size() + 1);
    for (std::size_t i = 0; i < kept; ++i) disk_.durable.push_back(disk_.unsynced[i]);
    disk_.unsynced.clear();
    for (auto& client : clients_) client->server_died();
    world_.drop_everything();
    hub_.reset();
    log_.reset();
    ++disk_.actor;
    start_server();
    // What others or publishers were shown before must have been on the disk.
    for (const auto& document : documents_) {
      EXPECT_TRUE(covers(durable_knowledge(disk_, document), promised_[document]))
          << "an edit that was shown or acknowledged is gone from " << base::to_string(document);
    }
  }

  void shown(const base::DocumentId& document, base::byte_view update) {
    EXPECT_TRUE(yjs::learn(update, promised_[document]));
    yjs::Knowledge now;
    EXPECT_TRUE(yjs::learn(update, now));
    EXPECT_TRUE(covers(durable_knowledge(disk_, document), now))
        << "shown before it was durable: " << base::to_string(document);
  }

  void publish() {
    const auto& document = documents_[world_.random().below(documents_.size())];
    const auto update = insert_update(1000 + publishes_++, 0);
    hub_->publish(document, update, {"publisher", {}},
                  [this, document, update](base::result<base::log_offset> offset) {
                    if (offset) shown(document, update);
                  });
  }

  void one_step() {
    Client& client = *clients_[world_.random().below(clients_.size())];
    const auto dice = world_.random().below(100);
    if (dice < 60) {
      client.edit();
    } else if (dice < 75) {
      if (!client.connected()) client.connect(*hub_);
    } else if (dice < 85) {
      if (client.connected()) client.disconnect();
    } else if (dice < 92) {
      client.set_read_limit(world_.one_in(2) ? 0 : 16);
    } else if (dice < 99) {
      publish();
    } else {
      crash();
    }
  }

  /// No more faults: everybody connects and must end equal, equal to the disk.
  void settle() {
    faults_ = {};
    // A crash would hide what only the server's memory has wrong.
    if (world_.one_in(2)) crash();
    for (int round = 0; round < 200; ++round) {
      for (auto& client : clients_) {
        client->set_read_limit(0);
        if (!client->connected()) client->connect(*hub_);
      }
      world_.run_until(world_.now() + std::chrono::milliseconds(100));
      if (equal()) break;
    }
    for (const auto& client : clients_) EXPECT_FALSE(client->refused());
    EXPECT_TRUE(equal()) << "clients did not converge";
  }

  bool equal() {
    for (std::size_t i = 0; i < clients_.size(); ++i) {
      const auto& document = documents_[i % documents_.size()];
      const auto stored = durable_knowledge(disk_, document);
      const auto& known = clients_[i]->knowledge();
      if (!covers(stored, known) || !covers(known, stored)) return false;
    }
    return true;
  }

  World world_;
  hub::HubOptions options_;
  hub::HubCounters counters_;
  RecordedEvents events_;
  Faults faults_;
  Disk disk_;
  std::unique_ptr<SimLog> log_;
  std::atomic<std::uint64_t> next_seq_{0};
  std::vector<base::DocumentId> documents_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::unique_ptr<hub::Hub> hub_;
  std::map<base::DocumentId, yjs::Knowledge> promised_;
  std::uint64_t publishes_ = 0;
  std::uint64_t crashes_ = 0;
};

TEST(Simulation, AcknowledgedEditsSurviveAndClientsConverge) {
  const std::uint64_t first = from_environment("WEFT_SIM_SEED", 1);
  const std::uint64_t seeds =
      from_environment("WEFT_SIM_SEEDS", std::getenv("WEFT_SIM_SEED") ? 1 : 200);
  Simulation::Coverage coverage;
  for (std::uint64_t seed = first; seed < first + seeds; ++seed) {
    SCOPED_TRACE("WEFT_SIM_SEED=" + std::to_string(seed));
    Simulation simulation(seed);
    simulation.run();
    ASSERT_FALSE(::testing::Test::HasFailure());
    simulation.add_coverage(coverage);
  }
  std::printf(
      "%llu seeds from %llu: %llu crashes, %llu catch-ups, %llu compactions, %llu snapshots, %llu "
      "failed appends, %llu failed loads, %llu evictions, %llu repeated edits\n",
      static_cast<unsigned long long>(seeds), static_cast<unsigned long long>(first),
      static_cast<unsigned long long>(coverage.crashes),
      static_cast<unsigned long long>(coverage.catch_ups),
      static_cast<unsigned long long>(coverage.compactions),
      static_cast<unsigned long long>(coverage.snapshots),
      static_cast<unsigned long long>(coverage.append_failures),
      static_cast<unsigned long long>(coverage.load_failures),
      static_cast<unsigned long long>(coverage.evictions),
      static_cast<unsigned long long>(coverage.contained));
  if (seeds < 100) return;  // a replay of one seed need not meet everything
  for (const auto met :
       {coverage.crashes, coverage.catch_ups, coverage.compactions, coverage.snapshots,
        coverage.append_failures, coverage.load_failures, coverage.evictions, coverage.contained}) {
    EXPECT_GT(met, 0u);
  }
}

}  // namespace
}  // namespace weft::sim
