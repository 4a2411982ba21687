#include "weft/log/registry.h"

#include <algorithm>
#include <utility>

namespace weft::log {

class RegisteredSubscription final : public Subscription {
 public:
  RegisteredSubscription(std::shared_ptr<Registry> registry, base::DocumentId document,
                         std::shared_ptr<Registry::Slot> slot)
      : registry_(std::move(registry)), document_(std::move(document)), slot_(std::move(slot)) {}

  ~RegisteredSubscription() override {
    // Tasks already posted look at `alive`; they run on this very executor, so none is running.
    slot_->alive.store(false, std::memory_order_release);
    registry_->unsubscribe(document_, slot_);
  }
  RegisteredSubscription(const RegisteredSubscription&) = delete;
  RegisteredSubscription& operator=(const RegisteredSubscription&) = delete;

 private:
  std::shared_ptr<Registry> registry_;
  base::DocumentId document_;
  std::shared_ptr<Registry::Slot> slot_;
};

namespace {

/// What one executor is to be told, gathered so that it is woken once. A process has few
/// executors, hence the linear search.
template <typename Item>
std::vector<Item>& items_for(std::vector<std::pair<base::Executor*, std::vector<Item>>>& all,
                             base::Executor* executor) {
  for (auto& [known, items] : all) {
    if (known == executor) return items;
  }
  return all.emplace_back(executor, std::vector<Item>()).second;
}

}  // namespace

std::unique_ptr<Subscription> Registry::subscribe(const base::DocumentId& document,
                                                  base::Executor& executor,
                                                  Subscriber& subscriber) {
  auto slot = std::make_shared<Slot>();
  slot->executor = &executor;
  slot->subscriber = &subscriber;
  {
    const std::scoped_lock lock(mutex_);
    documents_[document].push_back(slot);
  }
  return std::make_unique<RegisteredSubscription>(shared_from_this(), document, std::move(slot));
}

void Registry::unsubscribe(const base::DocumentId& document, const std::shared_ptr<Slot>& slot) {
  const std::scoped_lock lock(mutex_);
  const auto found = documents_.find(document);
  if (found == documents_.end()) return;
  std::erase(found->second, slot);
  if (found->second.empty()) documents_.erase(found);
}

void Registry::publish(const std::vector<Delivery>& commit, VisibleEnd& of, std::uint64_t end) {
  struct Item {
    std::shared_ptr<Slot> slot;
    std::shared_ptr<const record_batch> records;
  };
  std::vector<std::pair<base::Executor*, std::vector<Item>>> by_executor;
  const std::scoped_lock lock(mutex_);
  for (const Delivery& delivery : commit) {
    const auto found = documents_.find(delivery.document);
    if (found == documents_.end()) continue;
    for (const auto& slot : found->second) {
      items_for(by_executor, slot->executor).push_back({slot, delivery.records});
    }
  }
  for (auto& [executor, items] : by_executor) {
    executor->post([told = std::move(items)] {
      for (const Item& item : told) {
        if (item.slot->alive.load(std::memory_order_acquire)) {
          item.slot->subscriber->on_committed(*item.records);
        }
      }
    });
  }
  of.value_ = end;
}

void Registry::fail(std::vector<Failure> failures) {
  struct Item {
    std::shared_ptr<Slot> slot;
    std::shared_ptr<const Failure> failure;
  };
  std::vector<std::pair<base::Executor*, std::vector<Item>>> by_executor;
  const std::scoped_lock lock(mutex_);
  for (Failure& failure : failures) {
    const auto found = documents_.find(failure.document);
    if (found == documents_.end()) continue;
    const auto shared = std::make_shared<const Failure>(std::move(failure));
    for (const auto& slot : found->second) {
      items_for(by_executor, slot->executor).push_back({slot, shared});
    }
  }
  for (auto& [executor, items] : by_executor) {
    executor->post([told = std::move(items)] {
      for (const Item& item : told) {
        if (item.slot->alive.load(std::memory_order_acquire)) {
          item.slot->subscriber->on_append_failed(item.failure->operations, item.failure->why);
        }
      }
    });
  }
}

void Registry::lose(const std::vector<base::DocumentId>& documents, const base::error& why) {
  const auto shared = std::make_shared<const base::error>(why);
  const std::scoped_lock lock(mutex_);
  for (const base::DocumentId& document : documents) {
    const auto found = documents_.extract(document);
    if (found.empty()) continue;
    for (const auto& slot : found.mapped()) {
      slot->executor->post([slot, shared] {
        if (slot->alive.load(std::memory_order_acquire)) slot->subscriber->on_lost(*shared);
      });
    }
  }
}

}  // namespace weft::log
