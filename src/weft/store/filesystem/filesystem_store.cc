#include "weft/store/filesystem/filesystem_store.h"

#include <array>
#include <mutex>
#include <utility>

#include "weft/base/disk.h"
#include "weft/store/blocking_work.h"
#include "weft/store/filesystem/file_area.h"
#include "weft/store/filesystem/file_codec.h"
#include "weft/store/filesystem/file_names.h"

namespace weft::store::filesystem {
namespace {

constexpr const char* who = "snapshot store";
constexpr std::string_view snapshot_suffix = ".snapshot";
constexpr std::string_view damaged_suffix = ".damaged";

FileAreaOptions area_options(std::filesystem::path directory, bool sync) {
  return {std::move(directory), "weft snapshot files 1\n", "snapshots", sync};
}

base::error named(base::error why) {
  why.message = std::string(who) + ": " + why.message;
  return why;
}

std::string file_of(const base::DocumentId& document) {
  return document_file_name(document).append(snapshot_suffix);
}

base::result<std::optional<Snapshot>> load(const Folder& files, const base::DocumentId& document) {
  const auto bytes = files.read(file_of(document));
  if (!bytes) return base::fail(named(bytes.error()));
  if (!*bytes) return std::optional<Snapshot>();
  auto snapshot = decode_snapshot_file(document, **bytes);
  if (!snapshot) return base::fail(named(std::move(snapshot.error())));
  return std::optional<Snapshot>(std::move(*snapshot));
}

/// Shows one file's snapshot, if it is there. False: it is no document's.
base::result<bool> visit(const Folder& files, const std::string& name,
                         std::optional<base::DocumentId> document, const snapshot_visitor& each) {
  const auto bytes = files.read(name);
  if (!bytes && bytes.error().code != errc::corrupt) return base::fail(named(bytes.error()));
  if (bytes && !*bytes) return true;
  if (!document && bytes) {
    document = document_in_file(**bytes);
    if (document && file_of(*document) != name) document.reset();
  }
  if (!document) return false;
  if (!bytes) {
    each({std::move(*document), {}, base::fail(named(bytes.error()))});
    return true;
  }
  auto snapshot = decode_snapshot_file(*document, **bytes);
  each({std::move(*document), **bytes, std::move(snapshot)});
  return true;
}

base::result<void> visit_all(const Folder& files, const snapshot_visitor& each) {
  const auto names = files.names();
  if (!names) return base::fail(named(names.error()));
  std::string strange;
  std::size_t strange_count = 0;
  for (const std::string& name : *names) {
    if (name.ends_with(damaged_suffix)) continue;
    base::result<bool> shown = false;
    if (name.ends_with(snapshot_suffix)) {
      const std::string_view stem =
          std::string_view(name).substr(0, name.size() - snapshot_suffix.size());
      shown = visit(files, name, document_of_file_name(stem), each);
      if (!shown) return base::fail(std::move(shown.error()));
    }
    if (*shown) continue;
    if (strange_count++ == 0) strange = name;
  }
  if (strange_count == 0) return {};
  return base::fail(errc::corrupt, std::string(who) + ": " + (files.path() / strange).string() +
                                       " is no snapshot of any document; there are " +
                                       std::to_string(strange_count) + " such files");
}

base::result<void> audit_files(const Folder& files, const base::DocumentId* document,
                               const snapshot_visitor& each) {
  if (!document) return visit_all(files, each);
  const auto shown = visit(files, file_of(*document), *document, each);
  if (!shown) return base::fail(base::error(shown.error()));
  return {};
}

}  // namespace

struct FilesystemStore::Parts {
  Parts(FilesystemStoreOptions with, std::unique_ptr<FileArea> opened)
      : options(std::move(with)),
        area(std::move(opened)),
        workers(options.worker_threads, options.requests_queued_max) {}

  base::result<void> put(const base::DocumentId& document, const Snapshot& snapshot) {
    const std::string head = encode_snapshot_file_head(document, snapshot);
    const std::array<base::byte_view, 2> pieces{base::as_bytes(head), snapshot.update.view()};
    const auto written = area->write(file_of(document), pieces, true);
    if (!written) return base::fail(named(written.error()));
    return {};
  }

  /// Copies what a file holds aside, as far as it can be read. A copy, because renaming would leave
  /// the document without a snapshot for a moment, and a crash for ever.
  base::result<void> keep_evidence(const base::DocumentId& document) {
    const auto bytes = area->files().read(file_of(document));
    if (!bytes || !*bytes) return {};
    const base::byte_view piece = **bytes;
    const auto written =
        area->write(document_file_name(document).append(damaged_suffix), {&piece, 1}, true);
    if (!written) return base::fail(named(written.error()));
    return {};
  }

  base::result<void> save(const base::DocumentId& document, const Snapshot& snapshot) {
    if (!base::has_room(options.directory, options.disk_reserve_bytes + snapshot.update.size())) {
      return base::fail(errc::unavailable, std::string(who) + ": too little free disk in " +
                                               options.directory.string());
    }
    const std::scoped_lock lock(saving.of(document_file_name(document)));
    const auto present = load(area->files(), document);
    if (present && *present) {
      if (auto ok = may_replace(**present, snapshot); !ok) return ok;
    } else if (!present) {
      if (present.error().code != errc::corrupt) return base::fail(base::error(present.error()));
      if (auto ok = keep_evidence(document); !ok) return ok;
    }
    return put(document, snapshot);
  }

  const FilesystemStoreOptions options;
  const std::unique_ptr<FileArea> area;
  NameLocks saving;
  base::WorkerPool workers;
};

FilesystemStore::FilesystemStore(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

FilesystemStore::~FilesystemStore() { close(); }

base::result<std::unique_ptr<FilesystemStore>> FilesystemStore::open(
    FilesystemStoreOptions options) {
  auto area = FileArea::open(area_options(options.directory, options.sync));
  if (!area) return base::fail(named(std::move(area.error())));
  return std::unique_ptr<FilesystemStore>(
      new FilesystemStore(std::make_unique<Parts>(std::move(options), std::move(*area))));
}

void FilesystemStore::load_snapshot(const base::DocumentId& document, base::Executor& executor,
                                    callback<std::optional<Snapshot>> done) {
  on_worker<std::optional<Snapshot>>(
      parts_->workers, who, executor, std::move(done),
      [this, document] { return load(parts_->area->files(), document); });
}

void FilesystemStore::save_snapshot(const base::DocumentId& document, Snapshot snapshot,
                                    base::Executor& executor, callback<void> done) {
  on_worker<void>(parts_->workers, who, executor, std::move(done),
                  [this, document, snapshot = std::move(snapshot)] {
                    return parts_->save(document, snapshot);
                  });
}

std::string FilesystemStore::snapshot_location(const base::DocumentId& document) const {
  return "file:" + (parts_->options.directory / file_of(document)).string();
}

void FilesystemStore::close() { parts_->workers.close(); }

base::result<void> FilesystemStore::audit(const base::DocumentId* document,
                                          const snapshot_visitor& each) const {
  return audit_files(parts_->area->files(), document, each);
}

base::result<void> FilesystemStore::replace_snapshot(const base::DocumentId& document,
                                                     const Snapshot& snapshot) {
  const std::scoped_lock lock(parts_->saving.of(document_file_name(document)));
  if (auto ok = parts_->keep_evidence(document); !ok) return ok;
  return parts_->put(document, snapshot);
}

base::result<void> FilesystemStore::checkpoint(const std::filesystem::path& directory) const {
  auto copied = parts_->area->copy_to(directory, [](const std::string& name) {
    return name.ends_with(snapshot_suffix) || name.ends_with(damaged_suffix);
  });
  if (!copied) return base::fail(named(std::move(copied.error())));
  return {};
}

base::result<void> audit_directory(const std::filesystem::path& directory,
                                   const base::DocumentId* document, const snapshot_visitor& each) {
  const auto files = FileArea::open_read_only(area_options(directory, false));
  if (!files) return base::fail(named(files.error()));
  return audit_files(*files, document, each);
}

bool is_filesystem_store(const std::filesystem::path& directory) {
  std::error_code unknown;
  return std::filesystem::exists(directory / "format", unknown) ||
         std::filesystem::exists(directory / "snapshots", unknown);
}

}  // namespace weft::store::filesystem
