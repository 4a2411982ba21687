// What cannot be read breaks its own document only, visibly, and is mended without losing what is
// readable: a real server over databases with real damage.

#include <filesystem>
#include <fstream>
#include <iterator>

#include "app/node_fixture.h"
#include "weft/app/backup.h"
#include "weft/app/doctor.h"
#include "weft/app/events.h"
#include "weft/app/evidence.h"
#include "weft/app/maintenance.h"
#include "weft/app/snapshot_store.h"
#include "weft/crdt/reader.h"

namespace weft::app {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

class QuarantineTest : public testing::NodeFixture {
 protected:
  /// Ten characters in each of two documents; number 0 is `ill`, number 1 is `well`.
  void write_two() {
    start();
    type("ill", 0, 10);
    type("well", 0, 10);
    stop();
  }

  std::vector<json> reports() const {
    std::vector<json> out;
    std::error_code none;
    for (const auto& entry :
         fs::recursive_directory_iterator(fs::path(config_.data) / "quarantine", none)) {
      if (entry.path().filename() != "report.json") continue;
      std::ifstream in(entry.path());
      out.push_back(json::parse(std::string{std::istreambuf_iterator<char>(in), {}}));
    }
    return out;
  }

  DoctorRequest doctor(const std::string& repair = {}) const {
    DoctorRequest out;
    out.data = config_.data;
    out.repair = repair;
    out.json = true;
    return out;
  }
  DoctorRequest repair_log() const {
    DoctorRequest out = doctor();
    out.repair_log = true;
    return out;
  }
};

TEST_F(QuarantineTest, ADamagedSnapshotBreaksOnlyItsDocumentAndIsMadeAnewByReplay) {
  write_two();
  damage_snapshot("ill");
  start();
  EXPECT_EQ(status_of("/v1/documents/team/ill/update"), 500u);
  EXPECT_EQ(typed("well"), 10u);
  type("well", 10, 1);
  const auto listed = get("/v1/quarantine")["documents"];
  ASSERT_EQ(listed.size(), 1u);
  EXPECT_EQ(listed[0]["document"], "ill");
  EXPECT_NE(listed[0]["reason"].get<std::string>().find("checksum"), std::string::npos);
  const auto shown = get("/v1/documents/team/ill");
  EXPECT_EQ(shown["state"], "broken");
  EXPECT_EQ(shown["quarantine"]["attempts"], 1);
  EXPECT_NE(metrics().find("weft_documents_quarantined 1"), std::string::npos);

  const auto repaired = post("/v1/documents/team/ill/repair", {}, 200);
  EXPECT_EQ(repaired["repaired"], true);
  EXPECT_TRUE(repaired["losses"].empty());
  EXPECT_EQ(typed("ill"), 10u);
  EXPECT_TRUE(get("/v1/quarantine")["documents"].empty());
  EXPECT_EQ(get("/v1/documents/team/ill")["quarantine"], nullptr);
  stop();
  for (const json& report : reports()) EXPECT_NE(report["leftMs"], nullptr) << report;
}

TEST_F(QuarantineTest, ClientsThatComeBackDoNotMakeItReadAgainAndAgain) {
  write_two();
  damage_snapshot("ill");
  start();
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(status_of("/v1/documents/team/ill/update"), 500u);
    post("/v1/documents/team/ill/updates",
         {{"updates", json::array({gateway::to_base64(sim::insert_update(2, 0))})}}, 500);
  }
  EXPECT_EQ(get("/v1/quarantine")["documents"][0]["attempts"], 1);
}

TEST_F(QuarantineTest, TheStateAndItsEvidenceOutliveTheProcess) {
  write_two();
  damage_record(0, 3);
  delete_snapshots();
  start();
  EXPECT_EQ(status_of("/v1/documents/team/ill/update"), 500u);
  stop();
  const auto before = reports();
  ASSERT_EQ(before.size(), 1u);
  EXPECT_EQ(before[0]["document"], "ill");
  ASSERT_EQ(before[0]["findings"].size(), 1u);
  EXPECT_EQ(before[0]["findings"][0]["offset"], 3);
  const fs::path bytes = fs::path(config_.data) / "quarantine" / "team.ill" /
                         std::to_string(before[0]["sinceMs"].get<std::int64_t>()) / "record-3.bin";
  EXPECT_GT(fs::file_size(bytes), 10u);
  start();
  EXPECT_EQ(get("/v1/quarantine")["documents"].size(), 1u);
  EXPECT_EQ(typed("well"), 10u);
}

TEST_F(QuarantineTest, DoctorSaysWhatIsWrongAndRepairsARecordOutOfTheSnapshot) {
  write_two();
  EXPECT_EQ(run_doctor(doctor()), doctor_clean);
  damage_record(0, 3);
  EXPECT_EQ(run_doctor(doctor()), doctor_problems);
  EXPECT_EQ(run_doctor(doctor("team/ill")), doctor_repaired);
  EXPECT_EQ(run_doctor(doctor()), doctor_clean);
  // The log alone holds everything again.
  delete_snapshots();
  start();
  EXPECT_EQ(typed("ill"), 10u);
  EXPECT_EQ(typed("well"), 10u);
  type("ill", 10, 1);
  EXPECT_EQ(typed("ill"), 11u);
}

TEST_F(QuarantineTest, ALastRecordThatIsNotThereIsSeenAndReplaced) {
  write_two();
  tamper("log", [](rocksdb::DB& database) {
    const auto all = keys(database, "r");
    ASSERT_TRUE(database.Delete(rocksdb::WriteOptions(), all[9]).ok());
  });
  EXPECT_EQ(run_doctor(doctor()), doctor_problems);
  EXPECT_EQ(run_doctor(doctor("team/ill")), doctor_repaired);
  start();
  EXPECT_EQ(typed("ill"), 10u);
}

TEST_F(QuarantineTest, ACommitThatCannotBeReadIsNamedAndMadeAnew) {
  write_two();
  std::string garbled;
  tamper("log", [&](rocksdb::DB& database) {
    const std::string key = keys(database, "g")[4];
    flip_last_byte(database, key);
    ASSERT_TRUE(database.Get(rocksdb::ReadOptions(), key, &garbled).ok());
  });
  EXPECT_EQ(run_doctor(doctor()), doctor_problems);
  EXPECT_EQ(run_doctor(repair_log()), doctor_repaired);
  EXPECT_EQ(run_doctor(doctor()), doctor_clean);
  EXPECT_EQ(run_doctor(repair_log()), doctor_clean);
  const auto kept = reports();
  ASSERT_EQ(kept.size(), 1u);
  EXPECT_EQ(kept[0]["room"], nullptr);
  EXPECT_EQ(kept[0]["findings"][0]["what"], "commit");
  EXPECT_EQ(kept[0]["findings"][0]["offset"], 4);
  std::ifstream bytes(fs::path(config_.data) / "quarantine" / "%log" /
                          std::to_string(kept[0]["sinceMs"].get<std::int64_t>()) / "commit-4.bin",
                      std::ios::binary);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(bytes), {}), garbled);
  start();
  EXPECT_TRUE(get("/v1/quarantine")["documents"].empty());
  EXPECT_EQ(typed("ill"), 10u);
  EXPECT_EQ(typed("well"), 10u);
}

TEST_F(QuarantineTest, WithoutItsLastCommitTheLogServesNothingUntilItIsRepaired) {
  write_two();
  tamper("log",
         [](rocksdb::DB& database) { flip_last_byte(database, keys(database, "g").back()); });
  const auto refused = Node::start(config_);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("weft doctor"), std::string::npos)
      << refused.error().message;
  EXPECT_EQ(run_doctor(doctor()), doctor_problems);
  EXPECT_EQ(run_doctor(repair_log()), doctor_repaired);
  start();
  EXPECT_EQ(typed("ill"), 10u);
  EXPECT_EQ(typed("well"), 10u);
  type("well", 10, 1);
  EXPECT_EQ(typed("well"), 11u);
  stop();
  EXPECT_EQ(run_doctor(doctor()), doctor_clean);
}

TEST_F(QuarantineTest, ARecordAndItsCommitAreMendedInOneRun) {
  write_two();
  damage_record(0, 3);
  tamper("log", [](rocksdb::DB& database) { flip_last_byte(database, keys(database, "g")[3]); });
  EXPECT_EQ(run_doctor(doctor("team/ill")), doctor_problems);  // how far does it reach?
  DoctorRequest request = repair_log();
  request.repair = "team/ill";
  EXPECT_EQ(run_doctor(request), doctor_repaired);
  EXPECT_EQ(run_doctor(doctor()), doctor_clean);
  delete_snapshots();
  start();
  EXPECT_EQ(typed("ill"), 10u);
}

TEST_F(QuarantineTest, WhatNothingHoldsAnyMoreIsSaidAndComesBackFromABackup) {
  start();
  type("ill", 0, 10);
  const std::string backup = (home_.path() / "backup").string();
  post("/v1/backup", {{"directory", backup}}, 201);
  stop();
  damage_record(0, 3);
  delete_snapshots();
  start();
  EXPECT_EQ(status_of("/v1/documents/team/ill/update"), 500u);
  const auto repaired = post("/v1/documents/team/ill/repair", {}, 200);
  ASSERT_EQ(repaired["losses"].size(), 1u);
  EXPECT_NE(repaired["losses"][0].get<std::string>().find("record 3"), std::string::npos);
  EXPECT_EQ(typed("ill"), 3u);
  stop();
  // The same damage again, with the backup at hand.
  damage_record(0, 3);
  DoctorRequest request = doctor();
  request.restore = "team/ill";
  request.from = backup;
  EXPECT_EQ(run_doctor(request), doctor_repaired);
  start();
  EXPECT_EQ(typed("ill"), 10u);
}

TEST_F(QuarantineTest, DoctorRefusesWhatItCannotDo) {
  EXPECT_EQ(run_doctor(doctor()), doctor_usage);  // no such directory
  write_two();
  DoctorRequest request = doctor();
  request.restore = "team/ill";
  EXPECT_EQ(run_doctor(request), doctor_usage);  // from where?
  start();
  EXPECT_EQ(run_doctor(doctor()), doctor_usage);  // in use
}

TEST_F(QuarantineTest, ADocumentThatOnlyTypedReadingBreaksDownOnIsMarkedUntilItIsRead) {
  write_two();
  const auto state = base::shared_bytes::copy_of(sim::insert_update(1, 0));
  const base::DocumentId ill{"team", "ill", {}};
  {
    log::embedded::EmbeddedLogOptions log_options;
    log_options.directory = config_.data + "/log";
    const auto log = log::embedded::EmbeddedLog::open(log_options).value();
    const auto store = open_snapshot_store(store_kind::rocksdb, {config_.data + "/store"}).value();
    const auto events = make_events();
    StorageMaintenance maintenance(Storage{*log, *store}, config_.data, {}, *events);
    // Evidence is bounded, however often somebody makes it break down anew.
    for (std::int64_t since = 100; since < 120; ++since) {
      const hub::QuarantineEntry incident{ill, "read as json: planted", since, 1};
      maintenance.broke_down(incident, state);
      if (since > 100) maintenance.readable_again(incident);
    }
    maintenance.close();
    EXPECT_EQ(maintenance.unreadable().size(), 1u);
  }
  const fs::path incidents = fs::path(config_.data) / "unreadable" / "team.ill";
  EXPECT_EQ(std::distance(fs::directory_iterator(incidents), fs::directory_iterator()), 10);
  std::ifstream kept(incidents / "100" / "state.bin", std::ios::binary);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(kept), {}), base::as_text(state));
  EXPECT_EQ(run_doctor(doctor()), doctor_problems);

  start();
  const auto listed = get("/v1/quarantine");
  EXPECT_TRUE(listed["documents"].empty());
  ASSERT_EQ(listed["unreadable"].size(), 1u);
  EXPECT_EQ(listed["unreadable"][0]["reason"], "read as json: planted");
  EXPECT_EQ(get("/v1/documents/team/ill")["unreadable"]["since"], 100);
  EXPECT_NE(metrics().find("weft_documents_unreadable 1"), std::string::npos);
  EXPECT_EQ(typed("ill"), 10u);
  type("ill", 10, 1);
  if (!crdt::available()) return;
  get("/v1/documents/team/ill/json");
  EXPECT_TRUE(get("/v1/quarantine")["unreadable"].empty());
  stop();
  EXPECT_EQ(run_doctor(doctor()), doctor_clean);
}

TEST(EvidenceDirectory, TwoMayKeepTheSameIncident) {
  const test::TemporaryDirectory directory;
  const EvidenceDirectory evidence(directory.path());
  const hub::QuarantineEntry incident{
      .document = {"team", "ill", {}}, .reason = "r", .since_ms = 1};
  Finding finding;
  finding.what = Finding::where::snapshot;
  finding.bytes = std::string(10'000, 'x');
  const auto keep = [&] {
    for (int i = 0; i < 50; ++i) {
      std::filesystem::remove_all(evidence.place_of(incident) / "snapshot.bin");
      const auto kept = evidence.keep(incident, {finding});
      EXPECT_TRUE(kept) << kept.error().message;
    }
  };
  std::thread other(keep);
  keep();
  other.join();
}

TEST(EvidenceDirectory, NamesAreToldApart) {
  const auto name = [](std::string room, std::string doc) {
    return escaped_name({std::move(room), std::move(doc), {}});
  };
  EXPECT_EQ(name("team", "a/b"), "team.a%2fb");
  EXPECT_NE(name("a.b", "c"), name("a", "b.c"));
  EXPECT_NE(name("a", std::string(500, 'x') + "1"), name("a", std::string(500, 'x') + "2"));
  EXPECT_LE(name(std::string(1024, '/'), std::string(1024, '/')).size(), 249u);
  EXPECT_EQ(name("..", ".."), "%2e%2e.%2e%2e");
}

}  // namespace
}  // namespace weft::app
