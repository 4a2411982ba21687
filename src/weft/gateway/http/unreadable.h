#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "weft/base/bytes.h"
#include "weft/hub/quarantine.h"

namespace weft::gateway::http {

/// Hears of documents that typed reading broke down on, and keeps the evidence. Called on any
/// thread; must not block.
class ReadingKeeper {
 public:
  virtual ~ReadingKeeper() = default;
  /// `state` is what the reader was given, an update of format v1.
  virtual void broke_down(const hub::QuarantineEntry& incident, base::shared_bytes state) = 0;
  virtual void readable_again(const hub::QuarantineEntry& incident) = 0;
};

/// Documents that typed reading broke down on. Their bytes are sound: they are edited, synced and
/// read as updates like any other; only what asks for JSON, text, delta or XML is told.
///
/// Also remembers what exactly was asked for: asked again, the reader would break down again, and
/// each time some memory may be lost. Both are bounded; the oldest are forgotten.
/// Threading: any thread.
class Unreadable {
 public:
  explicit Unreadable(ReadingKeeper* keeper = nullptr) : keeper_(keeper) {}

  /// Reading `question` ("text content") of the present or a past state broke down. `key` names
  /// the content and the question exactly; empty: nothing does.
  void broke_down(const base::DocumentId& document, const std::string& question, std::string key,
                  const std::string& reason, base::shared_bytes state, std::int64_t wall_clock_ms);

  /// The present state was read so. The document is readable when every question that broke down
  /// has been answered.
  void answered(const base::DocumentId& document, const std::string& question);

  /// Takes over what an earlier process wrote down; any answer ends it.
  void restore(hub::QuarantineEntry incident);

  bool is_known(const std::string& key) const;
  std::optional<hub::QuarantineEntry> find(const base::DocumentId& document) const;
  /// All of them, ordered by name.
  std::vector<hub::QuarantineEntry> list() const;
  std::size_t size() const { return size_.load(std::memory_order_relaxed); }
  /// How often the reader broke down, in all.
  std::uint64_t failures() const { return failures_.load(std::memory_order_relaxed); }

  static constexpr std::size_t keys_max = 1000;
  static constexpr std::size_t documents_max = 1000;
  static constexpr std::size_t questions_max = 16;

 private:
  struct Held {
    hub::QuarantineEntry incident;
    std::set<std::string> questions;  ///< that broke down; empty: not known which
  };

  void remember(std::string key);
  void make_room();

  ReadingKeeper* const keeper_;
  mutable std::mutex mutex_;
  std::set<std::string> keys_;
  std::deque<std::string> order_;
  std::map<base::DocumentId, Held> documents_;
  std::atomic<std::size_t> size_{0};
  std::atomic<std::uint64_t> failures_{0};
};

}  // namespace weft::gateway::http
