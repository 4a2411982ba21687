#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "sim/sim_client.h"
#include "sim/sim_feed.h"
#include "sim/sim_log.h"
#include "sim/sim_truth.h"
#include "sim/sim_world.h"

namespace weft::sim {

/// One seed: a server of several hubs on one log, its clients, publishers and readers, and whatever
/// goes wrong. What must hold at any time is checked all along by Truth, by the clients and here;
/// docs/reliability.md says what.
class Simulation {
 public:
  struct Options {
    bool wall_clock_jumps = true;
  };

  explicit Simulation(std::uint64_t seed) : Simulation(seed, Options()) {}
  Simulation(std::uint64_t seed, Options options);
  ~Simulation();

  void run();

  std::uint64_t trace_hash() const { return world_.trace_hash(); }
  /// How often each fault and each path was met, by name.
  std::map<std::string, std::uint64_t> coverage() const;

 private:
  void choose_faults();
  void start_server();
  void stop_server();
  void crash();
  void drain();
  std::string documents_in_words() const;
  void advance(std::chrono::nanoseconds time);
  void one_step();
  void one_fault();
  void check_memory();

  void publish(const base::DocumentId& document);
  void publish_batch(const base::DocumentId& document);
  void read_state(const base::DocumentId& document);
  void view(const base::DocumentId& document);
  void watch(const base::DocumentId& document);
  void connect(Client& client);

  void settle();
  void check_presence();
  void check_keepalive();
  void check_eviction();
  void check_fresh_server();
  bool converged();
  bool events_complete() const;

  const base::DocumentId& any_document() {
    return documents_[world_.random().below(documents_.size())];
  }
  Client& any_client() { return *clients_[world_.random().below(clients_.size())]; }
  std::size_t hub_of(const base::DocumentId& document) const;
  hub::Hub& hub(const base::DocumentId& document) { return *hubs_[hub_of(document)]; }
  base::byte_vector publisher_update(const base::DocumentId& document);

  /// An answer that must come unless the process dies first.
  std::uint64_t expect_answer() {
    ++unanswered_;
    return incarnation_;
  }

  const Options options_;
  World world_;
  Disk disk_;
  Truth truth_;
  hub::HubOptions hub_options_;
  hub::HubCounters counters_;
  RecordedEvents events_;
  Faults faults_;

  std::unique_ptr<SimLog> log_;
  std::atomic<std::uint64_t> next_seq_{0};
  Workers workers_{world_};
  std::vector<std::unique_ptr<Strand>> strands_;
  std::vector<std::unique_ptr<hub::Hub>> hubs_;
  const VersionWriter version_writer_;
  std::vector<std::unique_ptr<hub::FeedSet>> feeds_;
  std::vector<std::unique_ptr<FeedWatch>> watches_;

  std::vector<base::DocumentId> documents_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::uint64_t publishers_ = 0;
  std::uint64_t incarnation_ = 0;
  std::uint64_t unanswered_ = 0;
  std::size_t publish_bytes_max_ = 0;
  std::map<base::DocumentId, std::size_t> state_bytes_max_;
};

}  // namespace weft::sim
