// Backup of a running server and its restore as another incarnation.

#include "weft/app/backup.h"

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "app/node_fixture.h"

namespace weft::app {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

class BackupTest : public testing::NodeFixture {
 protected:
  BackupTest() : backup_((home_.path() / "backup").string()) {}

  void restore_into_new_directory() {
    const auto restored = restore_backup(backup_, home_.path() / "restored");
    ASSERT_TRUE(restored) << restored.error().message;
    config_.data = (home_.path() / "restored").string();
  }

  const std::string backup_;
};

TEST_F(BackupTest, EveryEditAcknowledgedBeforeItIsInItUnderLoad) {
  start();
  std::atomic<std::uint64_t> acknowledged{0};
  std::atomic<bool> over{false};
  std::thread typist([&] {
    for (std::uint64_t clock = 0; clock < 120 && !over; ++clock) {
      type("notes", clock, 1);
      acknowledged = clock + 1;
    }
  });
  ASSERT_TRUE(net::testing::eventually([&] { return acknowledged >= 20; }));
  const std::uint64_t before = acknowledged;
  const auto made = post("/v1/backup", {{"directory", backup_}}, 201);
  over = true;
  typist.join();
  EXPECT_GE(made["log"]["records"], before);
  const auto old_log = get("/v1/documents/team/notes")["log"].get<std::string>();
  stop();

  restore_into_new_directory();
  start();
  EXPECT_GE(typed("notes"), before);
  const auto new_log = get("/v1/documents/team/notes")["log"].get<std::string>();
  EXPECT_NE(new_log, old_log);
  // A version of the old log means nothing here: the client is told, and reads everything.
  get("/v1/documents/team/notes/update?at=3@" + old_log, 404);
  const auto recovered = get("/v1/documents/team/notes/history?since=3@" + old_log);
  EXPECT_EQ(recovered["reason"], "other-log") << recovered;
  // Edits go on, and are durable in the new incarnation.
  const std::uint64_t held = typed("notes");
  type("notes", held, 1);
  stop();
  start();
  EXPECT_EQ(typed("notes"), held + 1);
}

TEST_F(BackupTest, ADamagedBackupIsNotRestored) {
  start();
  type("notes", 0, 10);
  post("/v1/backup", {{"directory", backup_}}, 201);
  stop();
  ASSERT_TRUE(verify_backup(backup_));
  for (const auto& entry : fs::directory_iterator(backup_ + "/log")) {
    if (entry.path().extension() != ".sst") continue;
    fs::permissions(entry.path(), fs::perms::owner_all);
    std::fstream file(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(200);
    file.put('\x5a');
  }
  const auto restored = restore_backup(backup_, home_.path() / "restored");
  ASSERT_FALSE(restored);
  EXPECT_FALSE(fs::exists(home_.path() / "restored"));
  EXPECT_FALSE(fs::exists(home_.path() / "restored.partial"));
}

TEST_F(BackupTest, WhatWouldOverwriteIsRefused) {
  start();
  type("notes", 0, 1);
  post("/v1/backup", {{"directory", "relative"}}, 409);
  post("/v1/backup", {{"directory", 7}}, 400);
  post("/v1/backup", {{"directory", home_.path().string()}}, 409);  // exists
  post("/v1/backup", {{"directory", backup_}}, 201);
  post("/v1/backup", {{"directory", backup_}}, 409);
  stop();
  EXPECT_FALSE(restore_backup(backup_, config_.data));         // not empty
  EXPECT_FALSE(restore_backup(config_.data, backup_ + "-2"));  // no backup
}

TEST_F(BackupTest, OnlyThisMachineMayAskAndOnlyBelowTheConfiguredDirectory) {
  config_.backup_directory = (home_.path() / "backups").string();
  fs::create_directory(config_.backup_directory);
  start();
  type("notes", 0, 1);
  post("/v1/backup", {{"directory", backup_}}, 409);
  post("/v1/backup", {{"directory", config_.backup_directory + "/../sneaky"}}, 409);
  post("/v1/backup", {{"directory", config_.backup_directory + "/monday"}}, 201);
  net::testing::TestClient client(static_cast<std::uint16_t>(std::stoul(port_)));
  const auto reply = client.request(
      "POST /v1/backup HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 192.0.2.1\r\n"
      "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}");
  EXPECT_EQ(reply.status, 403u);
}

}  // namespace
}  // namespace weft::app
