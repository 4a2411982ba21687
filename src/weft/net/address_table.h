#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "weft/net/address.h"

namespace weft::net {

class AddressTable;

/// One connection's place among those of its address; given back when it goes.
class AddressSlot {
 public:
  AddressSlot() = default;
  AddressSlot(AddressSlot&& other) noexcept = default;
  AddressSlot& operator=(AddressSlot&& other) noexcept {
    table_.swap(other.table_);
    std::swap(entry_, other.entry_);
    return *this;
  }
  ~AddressSlot();

 private:
  friend class AddressTable;
  using entry = std::map<ip_address, std::size_t>::iterator;
  AddressSlot(std::shared_ptr<AddressTable> table, entry at)
      : table_(std::move(table)), entry_(at) {}

  std::shared_ptr<AddressTable> table_;
  entry entry_{};
};

/// How many connections each client has (ip_address::site), at most `each_max`; 0: no bound, and
/// nothing is counted. Any thread; owned by a shared_ptr.
class AddressTable : public std::enable_shared_from_this<AddressTable> {
 public:
  explicit AddressTable(std::size_t each_max) : each_max_(each_max) {}

  /// None when the client has as many as it may.
  std::optional<AddressSlot> take(const ip_address& address);

 private:
  friend class AddressSlot;
  void give_back(AddressSlot::entry entry);

  const std::size_t each_max_;
  std::mutex mutex_;
  /// A tree, so that no choice of addresses makes it slow.
  std::map<ip_address, std::size_t> open_;  ///< guarded by mutex_
};

}  // namespace weft::net
