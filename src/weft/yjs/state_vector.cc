#include "weft/yjs/state_vector.h"

#include <algorithm>

#include "weft/yjs/update.h"

namespace weft::yjs {

void StateVectorBuilder::add(client_id client, clock_value clock, std::uint64_t length, bool skip) {
  if (first_ || client != client_) {
    put();
    // Only the very first struct counts before the check for a Skip.
    clock_ = first_ && clock == 0 ? length : 0;
    first_ = false;
    client_ = client;
    stopped_ = clock != 0;
  }
  if (skip) stopped_ = true;
  if (!stopped_) clock_ = clock + length;
}

void StateVectorBuilder::put() {
  if (clock_ == 0) return;
  ++size_;
  entries_.uint(client_);
  entries_.uint(clock_);
}

byte_vector StateVectorBuilder::finish() {
  put();
  Writer out;
  out.uint(size_);
  out.raw(entries_.view());
  return out.take();
}

result<byte_vector> state_vector_of(byte_view update) {
  StructReader reader(update);
  StateVectorBuilder builder;
  Struct s;
  while (reader.next(s)) builder.add(s.client, s.clock, s.length, s.is_skip());
  if (!reader.in().ok()) return decode_failure(reader.in().code());
  return builder.finish();
}

byte_vector encode_state_vector(const IdSet& known) {
  std::vector<std::pair<client_id, clock_value>> entries;
  for (const auto& [client, ranges] : known.clients()) {
    const clock_value end = known.contiguous_end(client);
    if (end != 0) entries.emplace_back(client, end);
  }
  std::sort(entries.begin(), entries.end(), std::greater<>());
  Writer out;
  out.uint(entries.size());
  for (const auto& [client, clock] : entries) {
    out.uint(client);
    out.uint(clock);
  }
  return out.take();
}

}  // namespace weft::yjs
