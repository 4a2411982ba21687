// A server whose snapshots lie in plain files: what it does with RocksDB it does with them.

#include <filesystem>
#include <fstream>
#include <iterator>

#include "app/node_fixture.h"
#include "weft/app/backup.h"
#include "weft/app/doctor.h"

namespace weft::app {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

class FilesTest : public testing::NodeFixture {
 protected:
  FilesTest() { config_.store = store_kind::filesystem; }

  void write_two() {
    start();
    type("ill", 0, 10);
    type("well", 0, 10);
    stop();
  }
  fs::path file(const std::string& document, const char* suffix = ".snapshot") const {
    return fs::path(config_.data) / "store" / "snapshots" / ("team+" + document + suffix);
  }
  void flip_last_byte_of(const fs::path& path) {
    std::fstream stream(path, std::ios::in | std::ios::out | std::ios::binary);
    stream.seekg(-1, std::ios::end);
    const int byte = stream.get();
    stream.seekp(-1, std::ios::end);
    stream.put(static_cast<char>(byte ^ 1));
    ASSERT_TRUE(stream.good());
  }
  int doctor(const std::string& repair = {}) const {
    DoctorRequest out;
    out.data = config_.data;
    out.repair = repair;
    out.json = true;
    return run_doctor(out);
  }
};

TEST_F(FilesTest, EachDocumentIsAFileAndComesBack) {
  write_two();
  EXPECT_TRUE(fs::exists(file("ill")));
  EXPECT_TRUE(fs::exists(file("well")));
  EXPECT_EQ(doctor(), doctor_clean);
  start();
  EXPECT_EQ(typed("ill"), 10u);
  type("ill", 10, 1);
  EXPECT_EQ(typed("ill"), 11u);
  EXPECT_EQ(doctor(), doctor_usage);  // in use
}

TEST_F(FilesTest, ATornSnapshotBreaksOnlyItsDocumentAndIsMadeAnewByReplay) {
  write_two();
  fs::resize_file(file("ill"), fs::file_size(file("ill")) - 3);
  EXPECT_EQ(doctor(), doctor_problems);
  start();
  EXPECT_EQ(status_of("/v1/documents/team/ill/update"), 500u);
  EXPECT_EQ(typed("well"), 10u);
  const auto repaired = post("/v1/documents/team/ill/repair", {}, 200);
  EXPECT_EQ(repaired["repaired"], true);
  EXPECT_TRUE(repaired["losses"].empty());
  EXPECT_EQ(typed("ill"), 10u);
  EXPECT_TRUE(fs::exists(file("ill", ".damaged")));
  stop();
  flip_last_byte_of(file("well"));
  EXPECT_EQ(doctor("team/well"), doctor_repaired);
  EXPECT_EQ(doctor(), doctor_clean);
}

TEST_F(FilesTest, TheDoctorNamesWhatDoesNotBelongThereAndLooksAtTheRest) {
  write_two();
  std::ofstream(file("readme", "")) << "mine";
  EXPECT_EQ(doctor(), doctor_problems);
  fs::remove(file("readme", ""));
  EXPECT_EQ(doctor(), doctor_clean);
}

TEST_F(FilesTest, ABackupOfARunningServerIsRestored) {
  write_two();
  start();
  type("well", 10, 5);
  const std::string backup = (home_.path() / "backup").string();
  const auto made = post("/v1/backup", {{"directory", backup}}, 201);
  EXPECT_EQ(made["snapshots"]["count"], 2);
  type("well", 15, 5);
  stop();
  const auto restored = restore_backup(backup, home_.path() / "restored");
  ASSERT_TRUE(restored) << restored.error().message;
  config_.data = (home_.path() / "restored").string();
  EXPECT_EQ(doctor(), doctor_clean);
  start();
  EXPECT_EQ(typed("ill"), 10u);
  EXPECT_EQ(typed("well"), 15u);
  stop();
  // What the running server saved since did not reach into the backup.
  ASSERT_TRUE(verify_backup(backup));
  flip_last_byte_of(fs::path(backup) / "store" / "snapshots" / "team+ill.snapshot");
  EXPECT_FALSE(verify_backup(backup));
}

TEST_F(FilesTest, ADataDirectoryKeepsTheKindItWasMadeWith) {
  write_two();
  config_.store = store_kind::rocksdb;
  const auto other = Node::start(config_);
  ASSERT_FALSE(other);
  EXPECT_NE(other.error().message.find("is of the kind filesystem"), std::string::npos)
      << other.error().message;
  // The way to change it: the log has everything.
  fs::rename(fs::path(config_.data) / "store", fs::path(config_.data) / "old-store");
  start();
  EXPECT_EQ(typed("ill"), 10u);
  stop();
  config_.store = store_kind::filesystem;
  EXPECT_FALSE(Node::start(config_));
}

}  // namespace
}  // namespace weft::app
