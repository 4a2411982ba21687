#pragma once

#include <atomic>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "weft/base/executor.h"
#include "weft/base/ids.h"
#include "weft/base/result.h"

namespace weft::hub {

/// A document whose stored state could not be read.
struct QuarantineEntry {
  base::DocumentId document;
  std::string reason;  ///< what the latest attempt to read it said
  std::int64_t since_ms =
      0;  ///< wall clock of the first failure; for people, and names the incident
  std::uint64_t attempts = 0;  ///< failed attempts to read it, in all
};

/// Hears of documents that enter and leave quarantine, and keeps the evidence. Calls come on the
/// document's executor (or, for `left`, on that of who repaired it) and must not block.
class QuarantineKeeper {
 public:
  virtual ~QuarantineKeeper() = default;
  virtual void entered(const QuarantineEntry& entry) = 0;
  virtual void left(const QuarantineEntry& entry) = 0;
};

/// How soon a quarantined document is read again: each failure doubles the wait.
struct QuarantineBackoff {
  std::chrono::milliseconds least{1'000};
  std::chrono::milliseconds most{300'000};
};

/// The documents that cannot be read: one list for all hubs of a process.
///
/// While a document waits for its next attempt nobody reads its stored state, however many clients
/// come back for it; they are told why. The first who comes after that makes the next attempt, and
/// a document that can be read again leaves by itself.
/// Threading: any thread; nothing on the way of an edit comes here.
class Quarantine {
 public:
  explicit Quarantine(QuarantineBackoff backoff = {}, QuarantineKeeper* keeper = nullptr)
      : backoff_(backoff), keeper_(keeper) {}

  /// An attempt to read the document failed.
  void enter(const base::DocumentId& document, std::string reason, base::monotonic_time now,
             std::int64_t wall_clock_ms);

  /// The document was read. True when it had been in quarantine.
  bool leave(const base::DocumentId& document);

  /// What to tell who asks for a document that must not be read yet; none: read it.
  std::optional<base::error> holds(const base::DocumentId& document,
                                   base::monotonic_time now) const;

  /// Lets the next who comes read it at once. False when it is not in quarantine.
  bool retry_now(const base::DocumentId& document);

  /// Takes over what an earlier process wrote down; the next who comes reads it at once.
  void restore(QuarantineEntry entry);

  std::optional<QuarantineEntry> find(const base::DocumentId& document) const;

  /// All of them, ordered by name.
  std::vector<QuarantineEntry> list() const;

  std::size_t size() const { return size_.load(std::memory_order_relaxed); }

 private:
  struct Held {
    QuarantineEntry entry;
    std::chrono::nanoseconds wait{0};
    base::monotonic_time retry_at{};
  };

  const QuarantineBackoff backoff_;
  QuarantineKeeper* const keeper_;
  mutable std::mutex mutex_;
  std::unordered_map<base::DocumentId, Held> documents_;
  std::atomic<std::size_t> size_{0};
};

}  // namespace weft::hub
