#include "sim/simulation.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "weft/hub/errc.h"

namespace weft::sim {

namespace {

constexpr std::uint64_t first_client = 100;
constexpr std::uint64_t first_publisher = 1000;
constexpr std::uint64_t quick_disk_us = 2000, slow_disk_us = 100'000;

bool transient(const base::error& why) {
  return why.code == hub::errc::unavailable || why.code == hub::errc::draining;
}

}  // namespace

Simulation::Simulation(std::uint64_t seed, Options options)
    : options_(options), world_(seed), truth_(world_, disk_) {
  hub_options_.ring_bytes_max = 200;
  hub_options_.inflight_bytes_max = world_.one_in(2) ? 1500 : 1u << 20;
  hub_options_.compact_tail_bytes_min = 512;
  hub_options_.compact_tail_records_max = 64;
  hub_options_.snapshot_bytes_min = 1024;
  hub_options_.answer_slice_bytes = 1024;
  hub_options_.answer_private_bytes_min = world_.one_in(2) ? 256 : 256u << 10;
  hub_options_.idle_evict_after = std::chrono::milliseconds(50);
  hub_options_.keepalive_interval = std::chrono::seconds(5);
  const std::size_t hubs = 1 + world_.random().below(3);
  for (std::size_t i = 0; i < hubs; ++i) strands_.push_back(std::make_unique<Strand>(world_));
  const std::size_t documents = 1 + world_.random().below(4);
  for (std::size_t i = 0; i < documents; ++i) {
    documents_.push_back({"room", "doc-" + std::to_string(i), {}});
  }
  const std::size_t clients = 2 + world_.random().below(10);
  for (std::size_t i = 0; i < clients; ++i) {
    clients_.push_back(
        std::make_unique<Client>(world_, truth_, first_client + i, documents_[i % documents]));
  }
  choose_faults();
  start_server();
}

Simulation::~Simulation() { stop_server(); }

std::map<std::string, std::uint64_t> Simulation::coverage() const {
  auto out = world_.coverage();
  out["catch-up"] += counters_.catch_ups;
  out["compaction"] += counters_.compactions;
  out["snapshot"] += counters_.snapshots;
  out["eviction"] += counters_.evictions;
  out["contained edit"] += counters_.edits_contained;
  out["failed load of a document"] += counters_.load_failures;
  return out;
}

std::size_t Simulation::hub_of(const base::DocumentId& document) const {
  const auto at = std::find(documents_.begin(), documents_.end(), document);
  return static_cast<std::size_t>(at - documents_.begin()) % hubs_.size();
}

// --- the server's life --------------------------------------------------------------------------

void Simulation::choose_faults() {
  faults_ = {};
  faults_.overloaded_one_in = world_.one_in(2) ? 20 : 0;
  faults_.append_fails_one_in = world_.one_in(2) ? 40 : 0;
  faults_.log_dies_one_in = world_.one_in(2) ? 1 : 0;
  faults_.load_fails_one_in = world_.one_in(2) ? 10 : 0;
}

void Simulation::start_server() {
  ++incarnation_;
  unanswered_ = 0;
  truth_.restarted();
  for (const auto& document : faults_.damaged) truth_.damaged(document);
  log_ = std::make_unique<SimLog>(world_, disk_, faults_);
  next_seq_ = log_->next_seq();
  for (const auto& strand : strands_) {
    hubs_.push_back(std::make_unique<hub::Hub>(
        hub::HubParts{*strand, workers_, *log_, *log_, next_seq_, counters_, events_},
        hub_options_));
    hubs_.back()->start();
    feeds_.push_back(std::make_unique<hub::FeedSet>(*log_, *strand, version_writer_,
                                                    hub::FeedOptions{200, 400}));
  }
  world_.crash_after(world_.one_in(4)   ? World::never
                     : world_.one_in(2) ? world_.random().below(300)
                                        : world_.random().below(8000));
}

/// For the report of a failing seed.
std::string Simulation::documents_in_words() const {
  std::string out;
  for (const auto& document : documents_) {
    out += "\n" + base::to_string(document);
    if (faults_.damaged.contains(document)) out += ", damaged";
    const auto status = hubs_[hub_of(document)]->status(document);
    if (!status) continue;
    constexpr const char* phases[] = {"loading", "live", "broken"};
    out += std::string(", ") + phases[static_cast<int>(status->what)] + ", " +
           std::to_string(status->sessions) + " sessions, " +
           std::to_string(status->inflight_bytes) + " bytes in flight, end " +
           std::to_string(status->end.value);
  }
  for (const auto& [event, times] : events_.counts) {
    out += "\n" + std::to_string(times) + " " + event;
  }
  return out;
}

/// Ends it at once, wherever it is.
void Simulation::stop_server() {
  for (auto& client : clients_) client->disconnect();
  watches_.clear();
  world_.drop_everything();
  hubs_.clear();
  feeds_.clear();
  log_.reset();
  // Whatever the destructors have left behind died with the process.
  world_.drop_everything();
}

void Simulation::crash() {
  world_.met("crash");
  if (!disk_.unsynced.empty()) world_.met("crash within a commit");
  const std::size_t kept = world_.random().below(disk_.unsynced.size() + 1);
  if (kept > 0 && kept < disk_.unsynced.size()) world_.met("torn write");
  if (kept < disk_.unsynced.size()) world_.met("lost write");
  world_.trace("crash", kept);
  stop_server();
  disk_.crash(kept);
  ++disk_.actor;
  start_server();
}

void Simulation::drain() {
  const auto incarnation = incarnation_;
  const auto left = std::make_shared<std::size_t>(hubs_.size());
  for (auto& hub : hubs_) hub->drain([left] { --*left; });
  Client& late = any_client();
  if (!late.connected()) late.connect(hub(late.document()));
  for (int i = 0; i < 600 && *left > 0 && incarnation_ == incarnation; ++i) {
    advance(std::chrono::milliseconds(100));
  }
  if (incarnation_ != incarnation) return world_.met("crash while draining");
  EXPECT_EQ(*left, 0u) << "the hubs do not drain" << documents_in_words();
  EXPECT_EQ(unanswered_, 0u) << "drained, with callers that still wait";
  EXPECT_TRUE(disk_.unsynced.empty()) << "drained, with edits that are not durable";
  world_.met("drain");
  world_.trace("drained");
  stop_server();
  ++disk_.actor;
  start_server();
}

void Simulation::advance(std::chrono::nanoseconds time) {
  const auto end = world_.now() + time;
  while (!world_.run_until(end)) crash();
}

// --- what people and the world do ---------------------------------------------------------------

void Simulation::run() {
  for (int step = 0; step < 400; ++step) {
    one_step();
    advance(world_.delay(3000));
    check_memory();
    if (::testing::Test::HasFailure()) return;
  }
  settle();
}

void Simulation::connect(Client& client) {
  if (client.connected()) return;
  const auto live = hub(client.document()).status(client.document());
  if (live && live->sessions == 0 && log_->saving(client.document())) {
    world_.met("join while being evicted");
  }
  client.connect(hub(client.document()));
}

void Simulation::one_step() {
  Client& client = any_client();
  const auto dice = world_.random().below(1000);
  if (dice < 460) {
    client.edit();
  } else if (dice < 500) {
    const auto edits = 10 + world_.random().below(30);
    for (std::uint64_t i = 0; i < edits; ++i) client.edit();
  } else if (dice < 640) {
    connect(client);
  } else if (dice < 720) {
    if (client.connected()) world_.met("lost connection");
    client.disconnect();
  } else if (dice < 780) {
    client.set_read_limit(world_.one_in(2) ? 0 : 16);
  } else if (dice < 820) {
    client.repeat_edits();
  } else if (dice < 860) {
    client.be_present();
  } else if (dice < 900) {
    publish(any_document());
  } else if (dice < 915) {
    publish_batch(any_document());
  } else if (dice < 930) {
    read_state(any_document());
  } else if (dice < 940) {
    view(any_document());
  } else if (dice < 950) {
    watch(any_document());
  } else if (dice < 990) {
    one_fault();
  } else if (dice < 997) {
    // Long enough for what goes on by timers of seconds: a failed append is looked into while
    // people go on, not only at the end.
    advance(world_.delay(1'500'000));
  } else {
    drain();
  }
}

void Simulation::one_fault() {
  const auto& document = any_document();
  switch (world_.random().below(6)) {
    case 0:
    case 1:
      faults_.disk_full = !faults_.disk_full && world_.one_in(2);
      if (faults_.disk_full) world_.met("full disk");
      break;
    case 2: {
      const bool reads = world_.one_in(3);
      auto& most_us = reads ? faults_.read_delay_us_max : faults_.commit_delay_us_max;
      most_us = most_us == slow_disk_us ? quick_disk_us : slow_disk_us;
      world_.met(reads ? "slow reads or quick again" : "slow commits or quick again");
      break;
    }
    case 3:
    case 4:
      if (faults_.damaged.erase(document) > 0) break;
      if (!world_.one_in(2)) break;
      faults_.damaged.insert(document);
      truth_.damaged(document);
      world_.met("damaged document");
      break;
    default:
      world_.met("wall clock jump");
      if (options_.wall_clock_jumps) world_.jump_wall_clock();
  }
}

base::byte_vector Simulation::publisher_update(const base::DocumentId& document) {
  // A third of them repeat what another publisher of the document has sent.
  const auto stride = documents_.size();
  const auto index = static_cast<std::uint64_t>(
      std::find(documents_.begin(), documents_.end(), document) - documents_.begin());
  const auto number =
      publishers_ > 0 && world_.one_in(3) ? world_.random().below(publishers_) : publishers_++;
  const auto client = first_publisher + number * stride + index;
  truth_.belongs(client, document);
  auto update = insert_update(client, 0);
  publish_bytes_max_ = std::max(publish_bytes_max_, update.size());
  return update;
}

void Simulation::publish(const base::DocumentId& document) {
  const auto update = publisher_update(document);
  hub(document).publish(
      document, update, {"publisher", {}},
      [this, document, update, incarnation = expect_answer()](base::result<base::log_offset> at) {
        if (incarnation != incarnation_) return;
        --unanswered_;
        world_.met(at ? "publish" : "refused publish");
        if (at) return truth_.acknowledged(document, update, *at);
        if (at.error().code == hub::errc::broken) {
          return truth_.broken(document, at.error().message);
        }
        EXPECT_TRUE(transient(at.error())) << at.error().message;
      });
}

void Simulation::publish_batch(const base::DocumentId& document) {
  std::vector<base::byte_vector> updates(1 + world_.random().below(5));
  std::vector<base::shared_bytes> shared;
  for (auto& update : updates) {
    update = publisher_update(document);
    shared.push_back(base::shared_bytes::copy_of(update));
  }
  std::optional<hub::PublishCondition> condition;
  if (const auto live = hub(document).status(document); live && world_.one_in(2)) {
    condition = hub::PublishCondition{false, {{disk_.log, live->end}}};
  }
  hub(document).publish_all(
      document, std::move(shared), {"publisher", {}}, condition,
      [this, document, updates, condition,
       incarnation = expect_answer()](base::result<std::vector<hub::PublishedItem>> items) {
        if (incarnation != incarnation_) return;
        --unanswered_;
        if (!items) {
          if (items.error().code == hub::errc::broken) {
            return truth_.broken(document, items.error().message);
          }
          const bool changed = condition && items.error().code == hub::errc::changed;
          world_.met(changed ? "batch at another version" : "refused batch");
          EXPECT_TRUE(changed || transient(items.error())) << items.error().message;
          return;
        }
        world_.met("batch");
        ASSERT_EQ(items->size(), updates.size());
        const auto& first = items->front();
        if (condition && first.what == hub::PublishedItem::outcome::durable) {
          world_.met("conditional batch");
          truth_.nothing_between(document, condition->ends.front().end, *first.version);
        }
        bool refused = false;
        for (std::size_t i = 0; i < updates.size(); ++i) {
          const auto& item = (*items)[i];
          if (item.what == hub::PublishedItem::outcome::durable) {
            ASSERT_TRUE(item.version);
            truth_.acknowledged(document, updates[i], *item.version);
          }
          EXPECT_TRUE(item.what != hub::PublishedItem::outcome::not_tried || refused);
          refused |= item.what == hub::PublishedItem::outcome::refused;
        }
      });
}

void Simulation::read_state(const base::DocumentId& document) {
  hub(document).read_state(
      document, [this, document, before = truth_.before(document),
                 incarnation = expect_answer()](base::result<hub::StateRead> read) {
        if (incarnation != incarnation_) return;
        --unanswered_;
        if (!read) {
          if (read.error().code == hub::errc::broken) {
            return truth_.broken(document, read.error().message);
          }
          EXPECT_TRUE(transient(read.error())) << read.error().message;
          return;
        }
        world_.met(read->settled ? "state read" : "state read during a recovery");
        yjs::Knowledge state;
        ASSERT_TRUE(yjs::learn(read->update, state));
        truth_.state_read(document, state, read->end, read->settled, before);
      });
}

void Simulation::view(const base::DocumentId& document) {
  hub(document).view(document,
                     [this, document, before = truth_.before(document),
                      incarnation = expect_answer()](base::result<hub::DocumentView> view) {
                       if (incarnation != incarnation_) return;
                       --unanswered_;
                       if (!view) {
                         if (view.error().code == hub::errc::broken) {
                           return truth_.broken(document, view.error().message);
                         }
                         EXPECT_TRUE(transient(view.error())) << view.error().message;
                         return;
                       }
                       world_.met("view");
                       yjs::Knowledge state;
                       for (const auto& run : view->runs) {
                         for (const auto& part : run->parts) {
                           ASSERT_TRUE(yjs::learn(part.update(), state));
                         }
                       }
                       for (const auto& part : view->tail) ASSERT_TRUE(yjs::learn(part, state));
                       truth_.state_read(document, state, view->end, view->settled, before);
                       if (view->state_vector) {
                         EXPECT_EQ(*view->state_vector, yjs::encode_state_vector(state.structs));
                       }
                     });
}

void Simulation::watch(const base::DocumentId& document) {
  if (watches_.size() >= 4) return;
  const bool gaps = faults_.append_fails_one_in != 0 && faults_.log_dies_one_in != 1;
  watches_.push_back(std::make_unique<FeedWatch>(
      world_, disk_, feeds_[hub_of(document)]->feed(document), document, gaps));
}

}  // namespace weft::sim
