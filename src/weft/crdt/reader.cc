// The reader by yrs, behind the bridge of rust/bridge.
#include "weft/crdt/reader.h"

#include <rust/cxx.h>
#include <weft-bridge/src/lib.rs.h>

#include <vector>

#include "weft/crdt/prepare.h"
#include "weft/yjs/utf.h"

namespace weft::crdt {
namespace {

/// Updates one behind the other, as the bridge takes them.
struct Pieces {
  explicit Pieces(std::span<const base::byte_vector> list) {
    for (const base::byte_vector& piece : list) {
      bytes.insert(bytes.end(), piece.begin(), piece.end());
      ends.push_back(bytes.size());
    }
  }
  base::byte_vector bytes;
  std::vector<std::size_t> ends;
};

result<std::string> ask(std::span<const base::byte_vector> updates, bridge::View view,
                        std::string_view root, const Limits& limits) {
  if (yjs::utf16_length(base::as_bytes(root)) == yjs::invalid_text) {
    return base::fail(errc::not_found, "a root's name is UTF-8 text");
  }
  const Pieces pieces(updates);
  const bridge::Answer answer = bridge::read(
      {pieces.bytes.data(), pieces.bytes.size()}, {pieces.ends.data(), pieces.ends.size()}, view,
      rust::Str(root.data(), root.size()), limits.time_ms_max);
  std::string text(answer.text);
  switch (answer.status) {
    case bridge::Status::Done:
      return text;
    case bridge::Status::NotFound:
      return base::fail(errc::not_found,
                        "the document has no root named '" + std::string(root) + "'");
    case bridge::Status::TooDeep:
      return base::fail(errc::too_large, "types are nested too deeply to be read");
    case bridge::Status::TooSlow:
      return base::fail(errc::too_large, "reading the document exceeds time_ms_max = " +
                                             std::to_string(limits.time_ms_max));
    case bridge::Status::Failed:
      break;
  }
  return base::fail(errc::failed, "the document reader broke down: " + text);
}

result<std::string> read(byte_view update, bridge::View view, std::string_view root,
                         const Limits& limits) {
  const auto pieces = prepare(update, limits);
  if (!pieces) return std::unexpected(pieces.error());
  return ask(*pieces, view, root, limits);
}

/// Where two texts first differ, with what stands around it.
std::string first_difference(std::string_view compacted, std::string_view inputs) {
  constexpr std::size_t before = 60, length = 160;
  std::size_t at = 0;
  while (at < compacted.size() && at < inputs.size() && compacted[at] == inputs[at]) ++at;
  const std::size_t from = at > before ? at - before : 0;
  return "at " + std::to_string(at) + ": compacted has …" +
         std::string(compacted.substr(from, length)) + "… where the inputs have …" +
         std::string(inputs.substr(from, length)) + "…";
}

}  // namespace

bool available() { return true; }

result<std::string> read_json(byte_view update, const Limits& limits) {
  return read(update, bridge::View::Json, {}, limits);
}

result<std::string> read_text(byte_view update, std::string_view root, const Limits& limits) {
  return read(update, bridge::View::Text, root, limits);
}

result<std::string> read_delta(byte_view update, std::string_view root, const Limits& limits) {
  return read(update, bridge::View::Delta, root, limits);
}

result<std::string> read_xml(byte_view update, std::string_view root, const Limits& limits) {
  return read(update, bridge::View::Xml, root, limits);
}

result<std::string> read_content(byte_view update, const Limits& limits) {
  return read(update, bridge::View::Content, {}, limits);
}

result<bool> same_document(byte_view compacted, std::span<const byte_view> inputs,
                           std::string* difference, const Limits& limits) {
  const auto content_of = [&](std::span<const byte_view> list) -> result<std::string> {
    std::vector<base::byte_vector> updates;
    for (const byte_view update : list) {
      auto rewritten = rewrite_contents(update);
      if (!rewritten) return base::fail(std::move(rewritten.error()));
      updates.push_back(std::move(*rewritten));
    }
    // One update: where something is missing, what yrs shows of single ones depends on their order.
    const Pieces pieces(updates);
    const auto merged = bridge::merge({pieces.bytes.data(), pieces.bytes.size()},
                                      {pieces.ends.data(), pieces.ends.size()});
    if (merged.status != bridge::Status::Done)
      return base::fail(errc::failed, std::string(merged.why));
    const base::byte_vector whole(merged.update.begin(), merged.update.end());
    return ask({&whole, 1}, bridge::View::Content, {}, limits);
  };
  const auto ours = content_of({&compacted, 1});
  if (!ours) return std::unexpected(ours.error());
  const auto theirs = content_of(inputs);
  if (!theirs) return std::unexpected(theirs.error());
  if (difference && *ours != *theirs) *difference = first_difference(*ours, *theirs);
  return *ours == *theirs;
}

}  // namespace weft::crdt
