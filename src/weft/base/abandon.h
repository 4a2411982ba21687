#pragma once

#include <memory>
#include <mutex>
#include <vector>

namespace weft::base {

/// Gives up an object that can no longer be destroyed safely: it stays as it is until the process
/// ends, which takes back its memory, descriptors and locks. Any thread.
///
/// For RocksDB 7.8 after a failed write: its destructor would write to the broken file again, which
/// Debian's build (assertions on) answers with an abort.
template <typename T>
void abandon(std::unique_ptr<T> object) {
  // Never destroyed itself; kept reachable, so that leak checkers know that this is meant.
  static auto* const mutex = new std::mutex;
  static auto* const abandoned = new std::vector<T*>;
  const std::scoped_lock lock(*mutex);
  abandoned->push_back(object.release());
}

}  // namespace weft::base
