#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "net/test_client.h"
#include "sim/sim_wire.h"
#include "support/temporary_directory.h"
#include "support/topic_log.h"
#include "weft/app/background.h"
#include "weft/gateway/base64.h"
#include "weft/gateway/http/entity_tag.h"
#include "weft/gateway/http/gateway.h"
#include "weft/log/embedded/embedded_log.h"
#include "weft/net/server.h"
#include "weft/store/rocksdb/rocksdb_store.h"

namespace weft::gateway::http::testing {

using nlohmann::json;
using sim::delete_update;
using sim::insert_update;

class NoEvents final : public base::Events {
 public:
  bool wants(base::severity) const override { return false; }
  void report(base::severity, std::string_view, std::initializer_list<base::event_field>) override {
  }
};

/// A store that can be told to fail, and to wait.
class FailingStore final : public store::DocumentStore {
 public:
  explicit FailingStore(store::DocumentStore& inner) : inner_(inner) {}

  void load_snapshot(const base::DocumentId& document, base::Executor& executor,
                     store::callback<std::optional<store::Snapshot>> done) override {
    const std::scoped_lock lock(mutex_);
    auto load = [this, document, &executor, done = std::move(done)]() mutable {
      load_now(document, executor, std::move(done));
    };
    if (held_) {
      held_->push_back(std::move(load));
    } else {
      load();
    }
  }
  void save_snapshot(const base::DocumentId& document, store::Snapshot snapshot,
                     base::Executor& executor, store::callback<void> done) override {
    inner_.save_snapshot(document, std::move(snapshot), executor, std::move(done));
  }
  std::string snapshot_location(const base::DocumentId& document) const override {
    return inner_.snapshot_location(document);
  }
  void close() override { inner_.close(); }

  /// From now on loads wait for release().
  void hold_loads() {
    const std::scoped_lock lock(mutex_);
    held_.emplace();
  }
  void release_loads() {
    const std::scoped_lock lock(mutex_);
    auto held = std::exchange(held_, std::nullopt);
    for (auto& load : held.value()) load();
  }

  std::atomic<store::errc> load_fails{};

 private:
  void load_now(const base::DocumentId& document, base::Executor& executor,
                store::callback<std::optional<store::Snapshot>> done) {
    if (const auto code = load_fails.load(); code != store::errc{}) {
      executor.post([done = std::move(done), code]() mutable {
        done(base::fail(code, "the store was told to fail"));
      });
      return;
    }
    inner_.load_snapshot(document, executor, std::move(done));
  }

  store::DocumentStore& inner_;
  std::mutex mutex_;
  std::optional<std::vector<base::task>> held_;  ///< loads that wait
};

/// What came back for one request.
struct Reply {
  unsigned status = 0;
  std::string head;
  std::string body;

  std::string header(std::string_view name) const {
    const std::string start = "\r\n" + std::string(name) + ": ";
    const auto at = head.find(start);
    if (at == std::string::npos) return {};
    const auto from = at + start.size();
    return head.substr(from, head.find("\r\n", from) - from);
  }
  json parsed() const { return json::parse(body, nullptr, false); }
  /// "invalid-update" when this is such a problem document of the right status.
  std::string problem() const {
    const auto what = parsed();
    if (header("Content-Type") != "application/problem+json" ||
        what.value("status", 0u) != status) {
      return "(no problem document: " + head + body + ")";
    }
    const auto type = what.value("type", "");
    return type.starts_with("urn:weft:problem:") ? type.substr(17) : type;
  }
};

/// One event of a stream.
struct Event {
  std::string type, id;
  json data;
};

/// A client that listens to a document.
class EventClient {
 public:
  EventClient(std::uint16_t port, const std::string& target, const std::string& headers = {},
              int receive_buffer_bytes = 0)
      : client_(port, receive_buffer_bytes) {
    client_.send("GET " + target + " HTTP/1.1\r\nHost: h\r\n" + headers + "\r\n");
    head = client_.read_until("\r\n\r\n");
  }

  /// The next event; comments and retry lines are passed over. An empty type: the stream ended.
  Event next() {
    for (;;) {
      auto end = text_.find("\n\n");
      while (end == std::string::npos) {
        const auto size = client_.read_until("\r\n");
        if (size.empty() || size == "0\r\n") return {};
        text_ += client_.read(std::stoul(size, nullptr, 16));
        client_.read(2);
        end = text_.find("\n\n");
      }
      const auto block = text_.substr(0, end + 1);
      text_.erase(0, end + 2);
      if (block.starts_with(':')) ++comments;
      Event out;
      for (std::size_t at = 0; at < block.size();) {
        const auto line = block.substr(at, block.find('\n', at) - at);
        at += line.size() + 1;
        if (line.starts_with("event: ")) out.type = line.substr(7);
        if (line.starts_with("id: ")) out.id = line.substr(4);
        if (line.starts_with("data: ")) out.data = json::parse(line.substr(6), nullptr, false);
      }
      if (!out.type.empty()) return out;
    }
  }

  std::string head;
  int comments = 0;

 private:
  net::testing::TestClient client_;
  std::string text_;
};

/// The HTTP gateway over real hubs, log and store on a free port.
class HttpFixture : public ::testing::Test {
 protected:
  void TearDown() override { stop(); }

  void start() {
    log::embedded::EmbeddedLogOptions log_options;
    log_options.directory = directory_.path() / "log";
    log_options.durability = log::embedded::durability::os;
    log_options.disk_reserve_bytes = 0;
    embedded = std::move(log::embedded::EmbeddedLog::open(log_options).value());
    log = std::make_unique<test::TopicLog>(*embedded);
    store::rocks::RocksDbStoreOptions store_options;
    store_options.directory = directory_.path() / "store";
    store_options.disk_reserve_bytes = 0;
    stored = std::move(store::rocks::RocksDbStore::open(store_options).value());
    store = std::make_unique<FailingStore>(*stored);
    next_seq = log->next_seq();
    loops = std::move(net::LoopGroup::start(2).value());
    background = std::make_unique<app::Background>();
    workers = std::make_unique<base::WorkerPool>(1, http_options.reads_waiting_max);
    typed_readers = std::make_unique<base::WorkerPool>(1, http_options.reads_waiting_max);
    std::vector<hub::Hub*> all;
    for (std::size_t i = 0; i < loops->size(); ++i) {
      hubs.push_back(
          std::make_unique<hub::Hub>(hub::HubParts{loops->loop(i), *background, *log, *store,
                                                   next_seq, counters.emplace_back(), events},
                                     hub_options));
      all.push_back(hubs.back().get());
      loops->loop(i).post([hub = all.back()] { hub->start(); });
    }
    hub_set = std::make_unique<hub::HubSet>(all);
    gateway = std::make_unique<Gateway>(GatewayParts{*hub_set,
                                                     *log,
                                                     *store,
                                                     *workers,
                                                     *typed_readers,
                                                     files,
                                                     [] { return true; },
                                                     [] { return std::string(); },
                                                     [] { return ServerStatus{}; },
                                                     {},
                                                     authorizer,
                                                     reading_keeper,
                                                     {},
                                                     typed_reader},
                                        http_options);
    server = std::move(net::Server::start(net_options, *loops, *gateway).value());
  }

  /// Ends everything in order; the data stays for another start().
  void stop() {
    if (!loops) return;
    if (!drained) drain();
    drained = false;
    log->close();
    store->close();
    loops->stop_and_join();
    workers.reset();
    typed_readers.reset();
    background.reset();
    server.reset();
    hubs.clear();
    counters.clear();
    loops.reset();
    gateway.reset();
    hub_set.reset();
    store.reset();
    stored.reset();
    log.reset();
    embedded.reset();
  }

  /// Snapshots are written, sessions and streams end.
  void drain() {
    drained = true;
    for (auto& hub : hubs) {
      std::promise<void> done;
      hub->executor().post([&] { hub->drain([&done] { done.set_value(); }); });
      done.get_future().wait();
    }
    std::promise<void> closed;
    server->drain(1001, "bye", std::chrono::seconds(5), [&] { closed.set_value(); });
    closed.get_future().wait();
  }

  void restart() {
    stop();
    start();
  }

  Reply ask(const std::string& method, const std::string& target, const std::string& headers = {},
            base::byte_view body = {}) {
    net::testing::TestClient client(server->port());
    std::string text = method + " " + target + " HTTP/1.1\r\nHost: h\r\n" + headers;
    if (!body.empty()) text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    client.send(text + "\r\n" + std::string(base::as_text(body)));
    auto response = client.read_response(method != "HEAD");
    return {response.status, std::move(response.head), std::move(response.body)};
  }
  Reply get(const std::string& target, const std::string& headers = {}) {
    return ask("GET", target, headers);
  }
  Reply publish(base::byte_view update, const std::string& headers = {}) {
    return ask("POST", doc + "/updates", "Content-Type: application/octet-stream\r\n" + headers,
               update);
  }

  /// Publishes `count` characters of client 1 from `clock` on, one by one.
  void type(std::uint64_t clock, std::uint64_t count) {
    for (std::uint64_t i = clock; i < clock + count; ++i) {
      ASSERT_EQ(publish(insert_update(1, i)).status, 201u);
    }
  }

  /// What a state that came back holds.
  static yjs::Knowledge knowledge(std::string_view update) {
    yjs::Knowledge out;
    EXPECT_TRUE(yjs::learn(base::as_bytes(update), out).has_value());
    return out;
  }
  static bool holds(std::string_view update, std::uint64_t client, std::uint64_t clocks) {
    return yjs::encode_state_vector(knowledge(update).structs) ==
           base::byte_vector{1, static_cast<std::uint8_t>(client),
                             static_cast<std::uint8_t>(clocks)};
  }

  const std::string doc = "/v1/documents/team/notes";
  const base::DocumentId id{"team", "notes", {}};
  bool drained = false;
  TypedReader typed_reader = read_typed_view;
  ReadingKeeper* reading_keeper = nullptr;
  hub::Authorizer* authorizer = nullptr;
  HttpOptions http_options;
  hub::HubOptions hub_options;
  net::ServerOptions net_options;
  test::TemporaryDirectory directory_;
  NoEvents events;
  StaticFiles files;
  std::unique_ptr<log::embedded::EmbeddedLog> embedded;
  std::unique_ptr<test::TopicLog> log;
  std::unique_ptr<store::rocks::RocksDbStore> stored;
  std::unique_ptr<FailingStore> store;
  std::atomic<std::uint64_t> next_seq{0};
  std::deque<hub::HubCounters> counters;
  std::unique_ptr<net::LoopGroup> loops;
  std::unique_ptr<app::Background> background;
  std::unique_ptr<base::WorkerPool> workers, typed_readers;
  std::vector<std::unique_ptr<hub::Hub>> hubs;
  std::unique_ptr<hub::HubSet> hub_set;
  std::unique_ptr<Gateway> gateway;
  std::unique_ptr<net::Server> server;
};

}  // namespace weft::gateway::http::testing
