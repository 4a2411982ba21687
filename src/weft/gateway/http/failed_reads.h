#pragma once

#include <cstddef>
#include <deque>
#include <mutex>
#include <set>
#include <string>

namespace weft::gateway::http {

/// What typed reading has broken down on: asked again, it would break down again, and each time
/// some memory may be lost. Keys name exact content (document, version, question). Bounded; the
/// oldest are forgotten. Threading: any thread.
class FailedReads {
 public:
  bool contains(const std::string& key) const {
    const std::scoped_lock lock(mutex_);
    return keys_.contains(key);
  }

  void add(std::string key) {
    const std::scoped_lock lock(mutex_);
    if (!keys_.insert(key).second) return;
    order_.push_back(std::move(key));
    if (order_.size() <= count_max) return;
    keys_.erase(order_.front());
    order_.pop_front();
  }

  static constexpr std::size_t count_max = 1000;

 private:
  mutable std::mutex mutex_;
  std::set<std::string> keys_;
  std::deque<std::string> order_;
};

}  // namespace weft::gateway::http
