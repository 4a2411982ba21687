#pragma once

#include <cstdint>
#include <string>

#include "weft/base/bytes.h"
#include "weft/base/ids.h"
#include "weft/base/result.h"
#include "weft/log/op_log.h"

namespace weft::hub {

/// One edit of a document as its log holds it.
struct LoggedEdit {
  base::log_offset version;
  base::OperationId operation;
  std::int64_t received_at_ms = 0;  ///< wall clock of the accepting node; for people only
  std::string identity;             ///< authenticated; empty when anonymous
  std::string sender_id;            ///< as the sender says
  base::shared_bytes update;        ///< format v1; shares the record's bytes
};

/// Reads what a record says. Errors: broken, with the record's offset.
base::result<LoggedEdit> logged_edit(const base::DocumentId& document,
                                     const log::CommittedRecord& entry);

}  // namespace weft::hub
