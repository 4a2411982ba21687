#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "weft/app/backup.h"
#include "weft/app/evidence.h"
#include "weft/app/repair.h"
#include "weft/base/worker_pool.h"
#include "weft/gateway/http/api.h"

namespace weft::app {

/// What a running server does for its operators: it keeps the evidence of documents that enter
/// quarantine or that typed reading breaks down on, repairs them, and makes backups.
/// Threading: any thread; evidence is gathered on a thread of its own.
class StorageMaintenance final : public hub::QuarantineKeeper, public gateway::http::ReadingKeeper {
 public:
  /// `data` is the server's data directory; all parts outlive this. Without a storage of its own,
  /// where the log is not embedded, nothing can be examined, repaired or backed up here.
  StorageMaintenance(std::optional<Storage> storage, const std::filesystem::path& data,
                     std::string backup_directory, base::Events& events);

  void entered(const hub::QuarantineEntry& entry) override;
  void left(const hub::QuarantineEntry& entry) override;

  void broke_down(const hub::QuarantineEntry& incident, base::shared_bytes state) override;
  void readable_again(const hub::QuarantineEntry& incident) override;

  /// Puts those in quarantine that were when the server last ran.
  void restore(hub::Quarantine& quarantine) const;
  /// Those that could not be read as JSON or text when the server last ran.
  std::vector<hub::QuarantineEntry> unreadable() const;

  /// For the HTTP gateway.
  gateway::http::Maintenance operations();

  /// Finishes what was begun. Blocks.
  void close() { worker_.close(); }

 private:
  base::result<std::string> repair_document(const base::DocumentId& document);
  base::result<std::string> back_up(const std::string& directory);
  void report(const char* event, const base::DocumentId& document, const base::error& why);
  void in_order(base::task work);
  void keep(const EvidenceDirectory& evidence, const hub::QuarantineEntry& entry,
            const std::vector<Finding>& findings, const char* event);
  void close(const EvidenceDirectory& evidence, const hub::QuarantineEntry& entry);
  std::vector<hub::QuarantineEntry> open_incidents(const EvidenceDirectory& evidence) const;

  const std::optional<Storage> storage_;
  const EvidenceDirectory evidence_;
  const EvidenceDirectory reading_evidence_;
  const std::string backup_directory_;
  base::Events& events_;
  base::WorkerPool worker_;
};

}  // namespace weft::app
