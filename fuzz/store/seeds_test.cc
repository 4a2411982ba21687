#include <gtest/gtest.h>

#include <string>

#include "../exercise.h"
#include "entries.h"
#include "weft/store/filesystem/file_codec.h"
#include "weft/store/snapshot_codec.h"

namespace weft::fuzz {
namespace {

const base::DocumentId of{"room", "doc", {}};

store::Snapshot some_snapshot() {
  return {{0x1122334455667788}, {300}, base::shared_bytes::copy_of(base::as_bytes("update"))};
}

TEST(fuzz_store, snapshots) {
  exercise(snapshot,
           store::encode_snapshot_head(store::snapshot_key(of), some_snapshot()) + "update");
}

TEST(fuzz_store, snapshot_files) {
  exercise(snapshot_file,
           store::filesystem::encode_snapshot_file_head(of, some_snapshot()) + "update");
}

TEST(fuzz_store, blob_files) {
  exercise(blob_file,
           store::filesystem::encode_blob_file_head("a/b", base::as_bytes("content")) + "content");
}

}  // namespace
}  // namespace weft::fuzz
