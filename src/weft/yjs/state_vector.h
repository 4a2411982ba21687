#pragma once

#include "weft/yjs/structs.h"

namespace weft::yjs {

/// Builds the state vector of an update from its structs in their order, as Yjs does: each
/// client's clocks from zero up to the first Skip.
class StateVectorBuilder {
 public:
  void add(client_id client, clock_value clock, std::uint64_t length, bool skip);
  base::byte_vector finish();

 private:
  void put();

  Writer entries_;
  std::uint64_t size_ = 0;
  client_id client_ = 0;
  clock_value clock_ = 0;
  bool stopped_ = false;
  bool first_ = true;
};

}  // namespace weft::yjs
