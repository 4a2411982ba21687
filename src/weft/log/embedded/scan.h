#pragma once

#include <rocksdb/db.h>

#include "weft/log/embedded/audit.h"

/// What audit.h promises, over an open database. All look at offsets below `limit` only.
namespace weft::log::embedded {

/// Every record of one document; readable ones go to `visitor`. Damage that lies in the document's
/// own entries is among the findings, not an error. Errors: corrupt, failed (the database itself
/// cannot be read on).
base::result<DocumentAudit> scan_document(rocksdb::DB& database, const base::DocumentId& document,
                                          std::uint64_t limit, const record_visitor& visitor);

/// Everything. Errors as scan_document.
base::result<LogAudit> scan_log(rocksdb::DB& database, std::uint64_t limit,
                                const audit_progress& progress,
                                const document_visitor& each_document = {});

/// Puts chunks in the place of damaged ones, all or none, synced.
base::result<void> replace_chunks(rocksdb::DB& database, const base::DocumentId& document,
                                  const std::vector<Replacement>& replacements);

/// A consistent copy in a directory that must not exist; files are linked where they can be.
base::result<void> checkpoint(rocksdb::DB& database, const std::filesystem::path& directory);

}  // namespace weft::log::embedded
