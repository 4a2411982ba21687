#include "weft/store/filesystem/filesystem_blob_store.h"

#include <algorithm>
#include <array>
#include <utility>

#include "weft/base/disk.h"
#include "weft/store/blocking_work.h"
#include "weft/store/filesystem/file_area.h"
#include "weft/store/filesystem/file_codec.h"
#include "weft/store/filesystem/file_names.h"

namespace weft::store::filesystem {
namespace {

constexpr const char* who = "blob store";
constexpr std::string_view suffix = ".blob";

base::error named(base::error why) {
  why.message = std::string(who) + ": " + why.message;
  return why;
}

std::string file_of(std::string_view location) {
  return location_file_name(location).append(suffix);
}

/// The location of a file: its name says it, or, where that was too long, its head. Empty: the file
/// is gone; nullopt: it is no blob's.
base::result<std::optional<std::string>> location_of(const Folder& files, const std::string& name) {
  std::optional<std::string> out;
  if (!name.ends_with(suffix)) return out;
  out = location_of_file_name(std::string_view(name).substr(0, name.size() - suffix.size()));
  if (out) return out;
  const auto head = files.read_beginning(name, blob_overhead("") + blob_location_bytes_max);
  if (!head && head.error().code != errc::corrupt) return base::fail(named(head.error()));
  if (!head) return out;
  if (!*head) return std::string();
  const auto named_itself = location_in_file((*head)->bytes);
  if (named_itself && file_of(*named_itself) == name) out = std::string(*named_itself);
  return out;
}

}  // namespace

struct FilesystemBlobStore::Parts {
  Parts(FilesystemBlobStoreOptions with, std::unique_ptr<FileArea> opened)
      : options(std::move(with)),
        area(std::move(opened)),
        workers(options.worker_threads, options.requests_queued_max) {}

  base::result<void> put(const std::string& location, base::byte_view bytes,
                         existing_blob existing) {
    if (auto ok = check_location(location); !ok) return ok;
    if (bytes.size() > options.blob_bytes_max) {
      return base::fail(errc::too_large, std::string(who) + ": " + std::to_string(bytes.size()) +
                                             " bytes, but a blob has at most " +
                                             std::to_string(options.blob_bytes_max));
    }
    if (!base::has_room(options.directory, options.disk_reserve_bytes + bytes.size())) {
      return base::fail(errc::unavailable, std::string(who) + ": too little free disk in " +
                                               options.directory.string());
    }
    const std::string head = encode_blob_file_head(location, bytes);
    const std::array<base::byte_view, 2> pieces{base::as_bytes(head), bytes};
    const auto written = area->write(file_of(location), pieces, existing == existing_blob::replace);
    if (!written) return base::fail(named(written.error()));
    if (!*written) return base::fail(errc::exists, std::string(who) + ": there is one already");
    return {};
  }

  base::result<std::optional<base::shared_bytes>> get(const std::string& location) const {
    if (auto ok = check_location(location); !ok) return base::fail(std::move(ok.error()));
    const auto bytes = area->files().read(file_of(location));
    if (!bytes) return base::fail(named(bytes.error()));
    if (!*bytes) return std::optional<base::shared_bytes>();
    auto content = decode_blob_file(location, **bytes);
    if (!content) return base::fail(named(std::move(content.error())));
    return std::optional<base::shared_bytes>(std::move(*content));
  }

  base::result<void> remove(const std::string& location) {
    if (auto ok = check_location(location); !ok) return ok;
    auto removed = area->remove(file_of(location));
    if (!removed) return base::fail(named(std::move(removed.error())));
    return {};
  }

  base::result<std::vector<BlobEntry>> list(const std::string& prefix, const std::string& after,
                                            std::size_t count_max) const {
    const auto names = area->names();
    if (!names) return base::fail(named(names.error()));
    std::vector<std::pair<std::string, const std::string*>> found;
    for (const std::string& name : *names) {
      auto location = location_of(area->files(), name);
      if (!location) return base::fail(std::move(location.error()));
      if (!*location) {
        return base::fail(
            errc::corrupt,
            std::string(who) + ": " + (area->files().path() / name).string() + " is no blob");
      }
      if (!(*location)->empty() && (*location)->starts_with(prefix) && **location > after) {
        found.emplace_back(std::move(**location), &name);
      }
    }
    std::ranges::sort(found);
    std::vector<BlobEntry> out;
    for (auto& [location, name] : found) {
      if (out.size() == std::max<std::size_t>(count_max, 1)) break;
      const auto head = area->files().read_beginning(*name, 0);
      if (!head) return base::fail(named(head.error()));
      if (!*head) continue;  // removed since
      const std::uint64_t overhead = blob_overhead(location);
      const std::uint64_t bytes = (*head)->file_bytes;
      out.push_back({std::move(location), bytes - std::min(bytes, overhead)});
    }
    return out;
  }

  const FilesystemBlobStoreOptions options;
  const std::unique_ptr<FileArea> area;
  base::WorkerPool workers;
};

FilesystemBlobStore::FilesystemBlobStore(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

FilesystemBlobStore::~FilesystemBlobStore() { close(); }

base::result<std::unique_ptr<FilesystemBlobStore>> FilesystemBlobStore::open(
    FilesystemBlobStoreOptions options) {
  auto area = FileArea::open({options.directory, "weft blob files 1\n", "blobs", options.sync});
  if (!area) return base::fail(named(std::move(area.error())));
  return std::unique_ptr<FilesystemBlobStore>(
      new FilesystemBlobStore(std::make_unique<Parts>(std::move(options), std::move(*area))));
}

void FilesystemBlobStore::put(std::string location, base::shared_bytes bytes,
                              existing_blob existing, base::Executor& executor,
                              callback<void> done) {
  on_worker<void>(parts_->workers, who, executor, std::move(done),
                  [this, location = std::move(location), bytes = std::move(bytes), existing] {
                    return parts_->put(location, bytes, existing);
                  });
}

void FilesystemBlobStore::get(std::string location, base::Executor& executor,
                              callback<std::optional<base::shared_bytes>> done) {
  on_worker<std::optional<base::shared_bytes>>(
      parts_->workers, who, executor, std::move(done),
      [this, location = std::move(location)] { return parts_->get(location); });
}

void FilesystemBlobStore::remove(std::string location, base::Executor& executor,
                                 callback<void> done) {
  on_worker<void>(parts_->workers, who, executor, std::move(done),
                  [this, location = std::move(location)] { return parts_->remove(location); });
}

void FilesystemBlobStore::list(std::string prefix, std::string after, std::size_t count_max,
                               base::Executor& executor, callback<std::vector<BlobEntry>> done) {
  on_worker<std::vector<BlobEntry>>(parts_->workers, who, executor, std::move(done),
                                    [this, prefix = std::move(prefix), after = std::move(after),
                                     count_max] { return parts_->list(prefix, after, count_max); });
}

std::uint64_t FilesystemBlobStore::blob_bytes_max() const { return parts_->options.blob_bytes_max; }

void FilesystemBlobStore::close() { parts_->workers.close(); }

}  // namespace weft::store::filesystem
