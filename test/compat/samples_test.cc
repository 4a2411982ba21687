// Today's code reads what every version of the formats wrote (README.md).

#include <gtest/gtest.h>

#include <filesystem>
#include <vector>

#include "support/temporary_directory.h"
#include "weft/app/backup.h"
#include "weft/app/snapshot_store.h"
#include "weft/hub/logged_edit.h"
#include "weft/yjs/update.h"

namespace weft::app {
namespace {

namespace fs = std::filesystem;
using base::byte_vector;

const base::DocumentId notes{"team", "notes", {}};
const base::DocumentId other{
    "t\xc3\xa9"
    "am",
    "a/b",
    {}};

const byte_vector hello{1, 1, 1, 0, 4, 1, 4, 't', 'e', 'x', 't', 5, 'H', 'e', 'l', 'l', 'o', 0};
const byte_vector behind_it{1, 1, 1, 5, 0x84, 1, 4, 3, ' ', 'v', '1', 0};
const byte_vector without_h{0, 1, 1, 1, 0, 1};

class Samples : public ::testing::TestWithParam<const char*> {
 protected:
  fs::path sample() const { return fs::path(WEFT_COMPAT_SAMPLES) / GetParam(); }

  /// The updates that the log of a restored sample holds of a document.
  static std::vector<byte_vector> updates(const log::embedded::EmbeddedLog& log,
                                          const base::DocumentId& document) {
    std::vector<byte_vector> out;
    const auto audit =
        log.audit(document, [&](log::CommittedRecord&& entry, const log::embedded::ChunkSpan&) {
          const auto edit = hub::logged_edit(document, entry);
          ASSERT_TRUE(edit) << edit.error().message;
          EXPECT_EQ(edit->sender_id, "sample");
          EXPECT_NE(edit->operation.actor, 0u);
          EXPECT_GT(edit->received_at_ms, 1'700'000'000'000);
          const auto bytes = edit->update.view();
          out.emplace_back(bytes.begin(), bytes.end());
        });
    EXPECT_TRUE(audit) << (audit ? "" : audit.error().message);
    EXPECT_TRUE(audit && audit->damage.empty());
    return out;
  }
};

TEST_P(Samples, AreReadAsTheyWereWritten) {
  const test::TemporaryDirectory home;
  const auto data = home.path() / "data";
  const auto manifest = restore_backup(sample(), data);
  ASSERT_TRUE(manifest) << manifest.error().message;
  EXPECT_EQ(manifest->log.records, 4u);
  EXPECT_EQ(manifest->snapshots, 2u);

  log::embedded::EmbeddedLogOptions log_options;
  log_options.directory = data / "log";
  const auto log = log::embedded::EmbeddedLog::open(log_options);
  ASSERT_TRUE(log) << log.error().message;
  EXPECT_NE((*log)->id(), manifest->log.log);
  EXPECT_EQ(updates(**log, notes), (std::vector<byte_vector>{hello, behind_it, without_h}));
  EXPECT_EQ(updates(**log, other), (std::vector<byte_vector>{hello}));

  SnapshotStoreOptions store_options;
  store_options.directory = data / "store";
  const auto store = open_snapshot_store(store_options);
  ASSERT_TRUE(store) << store.error().message;
  int seen = 0;
  const auto read = (*store)->audit(&notes, [&](store::StoredValue&& value) {
    ++seen;
    ASSERT_TRUE(value.snapshot) << value.snapshot.error().message;
    EXPECT_EQ(value.snapshot->log, manifest->log.log);
    EXPECT_EQ(value.snapshot->covered_end.value, 2u);
    const base::byte_view held[] = {value.snapshot->update.view()};
    EXPECT_TRUE(yjs::contains(held, hello).value_or(false));
    EXPECT_TRUE(yjs::contains(held, behind_it).value_or(false));
    EXPECT_FALSE(yjs::contains(held, without_h).value_or(true));
  });
  EXPECT_TRUE(read);
  EXPECT_EQ(seen, 1);
}

INSTANTIATE_TEST_SUITE_P(EveryVersion, Samples, ::testing::Values("v1", "v1-files"));

}  // namespace
}  // namespace weft::app
