#include "weft/gateway/http/unreadable.h"

#include <algorithm>

namespace weft::gateway::http {

void Unreadable::remember(std::string key) {
  if (key.empty() || !keys_.insert(key).second) return;
  order_.push_back(std::move(key));
  if (order_.size() <= keys_max) return;
  keys_.erase(order_.front());
  order_.pop_front();
}

void Unreadable::make_room() {
  if (documents_.size() <= documents_max) return;
  documents_.erase(std::ranges::min_element(
      documents_, {}, [](const auto& one) { return one.second.incident.since_ms; }));
}

void Unreadable::broke_down(const base::DocumentId& document, const std::string& question,
                            std::string key, const std::string& reason, base::shared_bytes state,
                            std::int64_t wall_clock_ms) {
  failures_.fetch_add(1, std::memory_order_relaxed);
  std::optional<hub::QuarantineEntry> entered;
  {
    const std::scoped_lock lock(mutex_);
    remember(std::move(key));
    auto [it, is_new] = documents_.try_emplace(document);
    Held& held = it->second;
    if (is_new) {
      held.incident.document = document;
      held.incident.since_ms = wall_clock_ms;
    }
    held.incident.reason = "read as " + question + ": " + reason;
    ++held.incident.attempts;
    if (held.questions.size() < questions_max) held.questions.insert(question);
    if (is_new) entered = held.incident;
    make_room();
    size_ = documents_.size();
  }
  if (entered && keeper_) keeper_->broke_down(*entered, std::move(state));
}

void Unreadable::answered(const base::DocumentId& document, const std::string& question) {
  if (size() == 0) return;
  std::optional<hub::QuarantineEntry> left;
  {
    const std::scoped_lock lock(mutex_);
    const auto it = documents_.find(document);
    if (it == documents_.end()) return;
    Held& held = it->second;
    held.questions.erase(question);
    if (!held.questions.empty()) return;
    left = std::move(held.incident);
    documents_.erase(it);
    size_ = documents_.size();
  }
  if (keeper_) keeper_->readable_again(*left);
}

void Unreadable::restore(hub::QuarantineEntry incident) {
  const std::scoped_lock lock(mutex_);
  auto& held = documents_[incident.document];
  held = {};
  held.incident = std::move(incident);
  make_room();
  size_ = documents_.size();
}

bool Unreadable::is_known(const std::string& key) const {
  const std::scoped_lock lock(mutex_);
  return keys_.contains(key);
}

std::optional<hub::QuarantineEntry> Unreadable::find(const base::DocumentId& document) const {
  if (size() == 0) return std::nullopt;
  const std::scoped_lock lock(mutex_);
  const auto it = documents_.find(document);
  if (it == documents_.end()) return std::nullopt;
  return it->second.incident;
}

std::vector<hub::QuarantineEntry> Unreadable::list() const {
  const std::scoped_lock lock(mutex_);
  std::vector<hub::QuarantineEntry> out;
  out.reserve(documents_.size());
  for (const auto& [name, held] : documents_) out.push_back(held.incident);
  return out;
}

}  // namespace weft::gateway::http
