#include "entries.h"

#include <string>

#include "weft/base/document_key.h"
#include "weft/base/result.h"
#include "weft/store/filesystem/file_codec.h"
#include "weft/store/snapshot_codec.h"

namespace weft::fuzz {
namespace {

void check_same(const std::string& head, base::byte_view rest, base::byte_view bytes) {
  WEFT_CHECK(head.size() + rest.size() == bytes.size());
  WEFT_CHECK(base::equal(base::as_bytes(head), bytes.first(head.size())));
  WEFT_CHECK(base::equal(rest, bytes.subspan(head.size())));
}

}  // namespace

void snapshot(base::byte_view bytes) {
  const std::string key = store::snapshot_key({"room", "doc", {}});
  const auto snapshot = store::decode_snapshot(key, base::shared_bytes::copy_of(bytes));
  if (snapshot) {
    check_same(store::encode_snapshot_head(key, *snapshot), snapshot->update.view(), bytes);
  }
}

void snapshot_file(base::byte_view bytes) {
  namespace files = store::filesystem;
  const auto held = base::shared_bytes::copy_of(bytes);
  const auto document = files::document_in_file(bytes);
  const base::DocumentId other{"another", "document", {}};
  WEFT_CHECK(document == other || !files::decode_snapshot_file(other, held));
  if (!document) return;
  const auto snapshot = files::decode_snapshot_file(*document, held);
  if (snapshot) {
    check_same(files::encode_snapshot_file_head(*document, *snapshot), snapshot->update.view(),
               bytes);
  }
}

void blob_file(base::byte_view bytes) {
  namespace files = store::filesystem;
  const auto held = base::shared_bytes::copy_of(bytes);
  const auto location = files::location_in_file(bytes);
  WEFT_CHECK(location == "another" || !files::decode_blob_file("another", held));
  if (!location) return;
  const auto content = files::decode_blob_file(*location, held);
  if (content) {
    WEFT_CHECK(files::blob_overhead(*location) + content->size() == bytes.size());
    check_same(files::encode_blob_file_head(*location, *content), content->view(), bytes);
  }
}

}  // namespace weft::fuzz
