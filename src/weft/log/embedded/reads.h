#pragma once

#include <rocksdb/db.h>

#include "weft/base/result.h"
#include "weft/log/op_log.h"
#include "weft/log/registry.h"

/// What reader threads do: blocking, and independent of one another. All see exactly the records
/// below the registry's published end.
namespace weft::log::embedded {

base::result<ReadResult> read_document(rocksdb::DB& database, const Registry& registry,
                                       const base::DocumentId& document, log_offset from,
                                       std::size_t bytes_max);

base::result<PartitionReadResult> read_commits(rocksdb::DB& database, const Registry& registry,
                                               log_offset from, std::size_t bytes_max);

base::result<log_offset> read_end(rocksdb::DB& database, const Registry& registry,
                                  const base::DocumentId& document);

base::result<std::vector<base::DocumentId>> list_documents(rocksdb::DB& database,
                                                           const base::DocumentId* after,
                                                           std::size_t count_max);

base::result<void> trim_document(rocksdb::DB& database, const Registry& registry,
                                 const base::DocumentId& document, log_offset before,
                                 rocksdb::WriteOptions how);

}  // namespace weft::log::embedded
