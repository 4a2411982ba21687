#pragma once

#include "weft/yjs/structs.h"

/// Contents that yrs cannot hand out as what they are, written as plain values (lib0's `any`).
namespace weft::crdt {

/// A subdocument, or the JSON text of Yjs before 13.
inline bool needs_rewriting(const yjs::Struct& s) {
  return s.ref() == yjs::doc_ref || s.ref() == yjs::json_ref;
}

/// Appends the struct with its content as plain values: a subdocument becomes `{"guid":…}`, JSON
/// text the value it spells. False when the JSON is not Unicode (half a surrogate pair).
bool rewrite(const yjs::Struct& s, yjs::Writer& out);

}  // namespace weft::crdt
