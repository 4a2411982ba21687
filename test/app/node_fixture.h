#pragma once

#include <gtest/gtest.h>
#include <rocksdb/db.h>

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "net/test_client.h"
#include "sim/sim_wire.h"
#include "support/temporary_directory.h"
#include "weft/app/server.h"
#include "weft/gateway/base64.h"
#include "weft/gateway/http/client.h"
#include "weft/yjs/update.h"

namespace weft::app::testing {

using nlohmann::json;

/// A whole server over a data directory, asked over HTTP, whose databases can be damaged between
/// two runs.
class NodeFixture : public ::testing::Test {
 protected:
  NodeFixture() {
    config_.listen = "127.0.0.1:0";
    config_.data = (home_.path() / "data").string();
    config_.threads = 2;
    config_.log.durability = log::embedded::durability::os;
    config_.log.disk_reserve_bytes = 0;
    // No second attempt by itself within a test.
    config_.quarantine = {std::chrono::hours(1), std::chrono::hours(1)};
  }

  void start(const base::Meter* meter = nullptr) {
    auto node = Node::start(config_, meter);
    ASSERT_TRUE(node) << node.error().message;
    node_ = std::move(*node);
    port_ = node_->address().substr(node_->address().rfind(':') + 1);
  }
  void stop() { node_.reset(); }

  json get(const std::string& target, unsigned expected = 200) {
    net::testing::TestClient client(static_cast<std::uint16_t>(std::stoul(port_)));
    const auto reply = client.request("GET " + target + " HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_EQ(reply.status, expected) << target << ": " << reply.body;
    return json::parse(reply.body, nullptr, false);
  }
  std::string metrics() {
    net::testing::TestClient client(static_cast<std::uint16_t>(std::stoul(port_)));
    return client.request("GET /metrics HTTP/1.1\r\nHost: h\r\n\r\n").body;
  }
  unsigned status_of(const std::string& target) {
    net::testing::TestClient client(static_cast<std::uint16_t>(std::stoul(port_)));
    return client.request("GET " + target + " HTTP/1.1\r\nHost: h\r\n\r\n").status;
  }
  json post(const std::string& target, const json& body, unsigned expected) {
    const auto reply = gateway::http::post_json({"127.0.0.1", port_, {}}, target, body.dump());
    EXPECT_TRUE(reply) << (reply ? "" : reply.error().message);
    if (!reply) return {};
    EXPECT_EQ(reply->status, expected) << target << ": " << reply->body;
    return json::parse(reply->body, nullptr, false);
  }

  /// Types `count` characters of client 1 into a document, one record each; the last one's answer.
  json type(const std::string& document, std::uint64_t from, std::uint64_t count) {
    json last;
    for (std::uint64_t clock = from; clock < from + count; ++clock) {
      last =
          post("/v1/documents/team/" + document + "/updates",
               {{"updates", json::array({gateway::to_base64(sim::insert_update(1, clock))})}}, 201);
    }
    return last;
  }

  /// How many characters of client 1 a document shows without a gap.
  std::uint64_t typed(const std::string& document) {
    net::testing::TestClient client(static_cast<std::uint16_t>(std::stoul(port_)));
    const auto reply = client.request("GET /v1/documents/team/" + document +
                                      "/update HTTP/1.1\r\nHost: h\r\n"
                                      "Accept: application/octet-stream\r\n\r\n");
    EXPECT_EQ(reply.status, 200u) << reply.body;
    return clocks_in(base::as_bytes(reply.body));
  }
  static std::uint64_t clocks_in(base::byte_view update) {
    yjs::Knowledge held;
    EXPECT_TRUE(yjs::learn(update, held));
    const auto vector = yjs::encode_state_vector(held.structs);
    // One client, id 1: count 1, id 1, clock (below 128 in these tests).
    return vector.size() == 3 ? vector[2] : 0;
  }

  /// Opens a database behind the server's back.
  void tamper(const char* part, const std::function<void(rocksdb::DB&)>& change) {
    rocksdb::Options options;
    options.enable_blob_files = std::string(part) == "store";
    rocksdb::DB* database = nullptr;
    const auto status = rocksdb::DB::Open(options, config_.data + "/" + part, &database);
    ASSERT_TRUE(status.ok()) << status.ToString();
    change(*database);
    delete database;
  }
  static std::vector<std::string> keys(rocksdb::DB& database, const std::string& prefix) {
    std::vector<std::string> out;
    const std::unique_ptr<rocksdb::Iterator> at(database.NewIterator(rocksdb::ReadOptions()));
    for (at->Seek(prefix); at->Valid() && at->key().starts_with(prefix); at->Next()) {
      out.push_back(at->key().ToString());
    }
    return out;
  }
  static void flip_last_byte(rocksdb::DB& database, const std::string& key) {
    std::string value;
    ASSERT_TRUE(database.Get(rocksdb::ReadOptions(), key, &value).ok());
    value.back() ^= 1;
    ASSERT_TRUE(database.Put(rocksdb::WriteOptions(), key, value).ok());
  }
  /// Damages the record with this ordinal among those of the document with this number.
  void damage_record(char number, std::size_t ordinal) {
    tamper("log", [&](rocksdb::DB& database) {
      const auto all = keys(database, std::string("r") + std::string(7, '\0') + number);
      ASSERT_LT(ordinal, all.size());
      flip_last_byte(database, all[ordinal]);
    });
  }
  void damage_snapshot(const std::string& document) {
    tamper("store", [&](rocksdb::DB& database) {
      for (const auto& key : keys(database, "s")) {
        if (key.ends_with(document)) flip_last_byte(database, key);
      }
    });
  }
  void delete_snapshots() {
    tamper("store", [&](rocksdb::DB& database) {
      for (const auto& key : keys(database, "s")) {
        ASSERT_TRUE(database.Delete(rocksdb::WriteOptions(), key).ok());
      }
    });
  }

  test::TemporaryDirectory home_;
  Config config_;
  std::unique_ptr<Node> node_;
  std::string port_;
};

}  // namespace weft::app::testing
