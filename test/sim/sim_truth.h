#pragma once

#include <map>
#include <string>
#include <utility>

#include "sim/sim_log.h"
#include "weft/yjs/update.h"

namespace weft::sim {

/// Is everything of `part` in `all`?
bool covers(const yjs::Knowledge& all, const yjs::Knowledge& part);

/// What an observer outside the server knows: what is on the disk, what the server has shown or
/// acknowledged, whose edits belong where. Every claim of the server is held against it at once;
/// one that does not hold fails the running test.
class Truth {
 public:
  Truth(World& world, Disk& disk);

  /// Edits of this Yjs client are made in this document and nowhere else.
  void belongs(yjs::client_id client, const base::DocumentId& document) {
    owners_[client] = document;
  }

  /// The server showed an update to somebody: it must be durable, in this document.
  void shown(const base::DocumentId& document, base::byte_view update);

  /// The server said that an update is stored by version `version`.
  void acknowledged(const base::DocumentId& document, base::byte_view update,
                    base::log_offset version);

  /// What somebody who asks now must be given.
  struct Before {
    yjs::Knowledge promised;
    base::log_offset end;  ///< behind every version that was named
  };
  Before before(const base::DocumentId& document) { return {promised_[document], ends_[document]}; }

  /// A reader that holds `knowledge` was told that it has everything up to `version`.
  void delivered(const base::DocumentId& document, const yjs::Knowledge& knowledge,
                 base::log_offset version);

  /// A reader was given the state as it is before `end`: nothing that is not durable, all that was
  /// promised before it asked and, when `settled`, every record before `end`. Versions do not go
  /// back.
  void state_read(const base::DocumentId& document, const yjs::Knowledge& state,
                  base::log_offset end, bool settled, const Before& before);

  /// What was published on the condition that the document ends at `end` was stored at `version`,
  /// or was there already.
  void nothing_between(const base::DocumentId& document, base::log_offset end,
                       base::log_offset version);

  /// What the server reads of a document is not what was written; until the next start it may call
  /// that document broken, and no other.
  void damaged(const base::DocumentId& document) { damaged_.insert(document); }
  void restarted() { damaged_.clear(); }
  void broken(const base::DocumentId& document, const std::string& why);

  /// What has been shown or acknowledged: every later join must bring it.
  const yjs::Knowledge& promised(const base::DocumentId& document) { return promised_[document]; }
  /// What a fresh process finds on the disk.
  const yjs::Knowledge& durable(const base::DocumentId& document) { return durable_[document]; }

 private:
  void made_durable(const Disk::Stored& stored);
  void snapshot_saved(const base::DocumentId& document, const store::Snapshot& snapshot);
  yjs::Knowledge records_before(const base::DocumentId& document, base::log_offset end) const;

  World& world_;
  Disk& disk_;
  std::map<yjs::client_id, base::DocumentId> owners_;
  std::map<base::DocumentId, yjs::Knowledge> durable_;
  std::map<base::DocumentId, yjs::Knowledge> promised_;
  std::map<base::DocumentId, base::log_offset> ends_;
  std::map<std::pair<yjs::client_id, yjs::clock_value>, base::log_offset> stored_at_;
  std::map<base::OperationId, base::log_offset> operations_;
  std::optional<base::log_offset> last_offset_;
  std::int64_t last_received_ms_ = 0;  ///< by the server's wall clock, which jumps
  std::set<base::DocumentId> damaged_;
};

/// The update that a record carries; empty when it carries none.
base::byte_view update_in(const log::Record& record);

}  // namespace weft::sim
