#include "weft/net/address_table.h"

namespace weft::net {

AddressSlot::~AddressSlot() {
  if (table_) table_->give_back(entry_);
}

std::optional<AddressSlot> AddressTable::take(const ip_address& address) {
  if (each_max_ == 0) return AddressSlot();
  const std::lock_guard lock(mutex_);
  const auto entry = open_.try_emplace(address.site()).first;
  if (entry->second == each_max_) return std::nullopt;
  ++entry->second;
  return AddressSlot(shared_from_this(), entry);
}

void AddressTable::give_back(AddressSlot::entry entry) {
  const std::lock_guard lock(mutex_);
  if (--entry->second == 0) open_.erase(entry);
}

}  // namespace weft::net
