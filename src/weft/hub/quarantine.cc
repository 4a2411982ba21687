#include "weft/hub/quarantine.h"

#include <algorithm>

#include "weft/hub/errc.h"

namespace weft::hub {

void Quarantine::enter(const base::DocumentId& document, std::string reason,
                       base::monotonic_time now, std::int64_t wall_clock_ms) {
  std::optional<QuarantineEntry> entered;
  {
    const std::scoped_lock lock(mutex_);
    auto [it, is_new] = documents_.try_emplace(document);
    Held& held = it->second;
    if (is_new) {
      held.entry.document = document;
      held.entry.since_ms = wall_clock_ms;
    }
    held.entry.reason = std::move(reason);
    ++held.entry.attempts;
    held.wait = std::clamp<std::chrono::nanoseconds>(held.wait * 2, backoff_.least, backoff_.most);
    held.retry_at = now + held.wait;
    size_ = documents_.size();
    if (is_new) entered = held.entry;
  }
  if (entered && keeper_) keeper_->entered(*entered);
}

bool Quarantine::leave(const base::DocumentId& document) {
  if (size() == 0) return false;
  std::optional<QuarantineEntry> left;
  {
    const std::scoped_lock lock(mutex_);
    const auto it = documents_.find(document);
    if (it == documents_.end()) return false;
    left = std::move(it->second.entry);
    documents_.erase(it);
    size_ = documents_.size();
  }
  if (keeper_) keeper_->left(*left);
  return true;
}

std::optional<base::error> Quarantine::holds(const base::DocumentId& document,
                                             base::monotonic_time now) const {
  if (size() == 0) return std::nullopt;
  const std::scoped_lock lock(mutex_);
  const auto it = documents_.find(document);
  if (it == documents_.end() || now >= it->second.retry_at) return std::nullopt;
  const auto wait = std::chrono::ceil<std::chrono::seconds>(it->second.retry_at - now).count();
  return base::error{make_error_code(errc::broken),
                     it->second.entry.reason + "; it is in quarantine and is read again in " +
                         std::to_string(wait) + " s"};
}

bool Quarantine::retry_now(const base::DocumentId& document) {
  const std::scoped_lock lock(mutex_);
  const auto it = documents_.find(document);
  if (it == documents_.end()) return false;
  it->second.wait = {};
  it->second.retry_at = {};
  return true;
}

void Quarantine::restore(QuarantineEntry entry) {
  const std::scoped_lock lock(mutex_);
  auto& held = documents_[entry.document];
  held = {};
  held.entry = std::move(entry);
  size_ = documents_.size();
}

std::optional<QuarantineEntry> Quarantine::find(const base::DocumentId& document) const {
  const std::scoped_lock lock(mutex_);
  const auto it = documents_.find(document);
  if (it == documents_.end()) return std::nullopt;
  return it->second.entry;
}

std::vector<QuarantineEntry> Quarantine::list() const {
  std::vector<QuarantineEntry> out;
  {
    const std::scoped_lock lock(mutex_);
    out.reserve(documents_.size());
    for (const auto& [name, held] : documents_) out.push_back(held.entry);
  }
  std::ranges::sort(out, {}, &QuarantineEntry::document);
  return out;
}

}  // namespace weft::hub
