// Answers requests of test/yjs/oracle/run.mjs, so that Yjs and weft_yjs can be compared in bulk.
//
// Request and answer: a uint32 length, then the body; all integers little-endian.
// Request body: one operation byte, then a list. Answer body: 0 and a list, or the errc of a
// refusal and an empty list. A list is a uint32 count, then for each entry a uint32 length and the
// bytes.
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "weft/base/result.h"
#include "weft/crdt/reader.h"
#include "weft/yjs/indexed_update.h"
#include "weft/yjs/revert.h"
#include "weft/yjs/update.h"
#include "weft/yjs/update_v2.h"

namespace {

using weft::base::byte_vector;
using weft::base::byte_view;

enum class operation : std::uint8_t {
  merge = 1,
  diff,
  state_vector,
  compact,
  split,
  reduce,
  validate,
  contains,
  classify,
  same_content,
  indexed_diff,
  validate_v2,
  v1_to_v2,
  v2_to_v1,
  state_vector_v2,
  merge_v2,
  diff_v2,
  revert,
  // Typed reading by weft_crdt; see reading.mjs.
  can_read = 32,
  read_json,
  read_text,
  read_delta,
  read_xml,
  same_document,
};

/// Small enough for Yjs, which has no limit, to survive what passes it.
constexpr std::size_t v1_bytes_max = std::size_t{1} << 20;

bool read_exactly(void* into, std::size_t bytes) {
  return bytes == 0 || std::fread(into, 1, bytes, stdin) == bytes;
}

bool take_u32(byte_view& in, std::uint32_t& out) {
  if (in.size() < sizeof out) return false;
  std::memcpy(&out, in.data(), sizeof out);
  in = in.subspan(sizeof out);
  return true;
}

bool take_list(byte_view in, std::vector<byte_view>& out) {
  std::uint32_t count = 0;
  if (!take_u32(in, count)) return false;
  for (std::uint32_t i = 0; i < count; ++i) {
    std::uint32_t bytes = 0;
    if (!take_u32(in, bytes) || bytes > in.size()) return false;
    out.push_back(in.first(bytes));
    in = in.subspan(bytes);
  }
  return in.empty();
}

void put_u32(byte_vector& out, std::size_t value) {
  const auto narrow = static_cast<std::uint32_t>(value);
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(&narrow);
  out.insert(out.end(), bytes, bytes + sizeof narrow);
}

using answer = std::vector<byte_vector>;

template <typename T>
int refusal(const weft::base::result<T>& result) {
  return result ? 0 : result.error().code.value();
}

int keep(weft::base::result<byte_vector> result, answer& out) {
  if (result) out.push_back(std::move(*result));
  return refusal(result);
}

int keep(const weft::base::result<std::string>& result, answer& out) {
  const std::string& text = result ? *result : result.error().message;
  const auto bytes = weft::base::as_bytes(text);
  out.emplace_back(bytes.begin(), bytes.end());
  return 0;
}

int keep(bool result, answer& out) {
  out.push_back({static_cast<std::uint8_t>(result)});
  return 0;
}

int keep(weft::base::result<bool> result, answer& out) {
  if (result) out.push_back({static_cast<std::uint8_t>(*result)});
  return refusal(result);
}

/// Zero, or the errc with which the library refused the input.
int run(operation op, std::span<const byte_view> in, answer& out) {
  namespace yjs = weft::yjs;
  const auto rest = in.empty() ? in : in.subspan(1);
  switch (op) {
    case operation::merge:
      return keep(yjs::merge(in), out);
    case operation::diff:
      return keep(yjs::diff(in[0], in[1]), out);
    case operation::indexed_diff: {
      const auto run = yjs::IndexedUpdate::build(weft::base::shared_bytes::copy_of(in[0]), 64);
      if (!run) return refusal(run);
      return keep(run->diff(in[1]), out);
    }
    case operation::state_vector:
      return keep(yjs::state_vector_of(in[0]), out);
    case operation::compact:
      return keep(yjs::compact(in), out);
    case operation::split: {
      std::uint32_t max = 0;
      byte_view limit = in[1];
      WEFT_CHECK(take_u32(limit, max));
      auto parts = yjs::split(in[0], max);
      if (parts) out = std::move(*parts);
      return refusal(parts);
    }
    case operation::validate:
      return refusal(yjs::validate(in[0]));
    case operation::validate_v2:
      return refusal(yjs::validate_v2(in[0], v1_bytes_max));
    case operation::v1_to_v2:
      return keep(yjs::v1_to_v2(in[0]), out);
    case operation::v2_to_v1:
      return keep(yjs::v2_to_v1(in[0], v1_bytes_max), out);
    case operation::state_vector_v2:
      return keep(yjs::state_vector_of_v2(in[0], v1_bytes_max), out);
    case operation::merge_v2:
      return keep(yjs::merge_v2(in, v1_bytes_max), out);
    case operation::diff_v2:
      return keep(yjs::diff_v2(in[0], in[1], v1_bytes_max), out);
    case operation::contains:
      return keep(yjs::contains(rest, in[0]), out);
    case operation::same_content:
      return keep(yjs::same_content(in[0], rest), out);
    case operation::revert: {
      std::uint32_t client = 0;
      byte_view number = in[2];
      WEFT_CHECK(take_u32(number, client));
      return keep(yjs::revert(in[0], in[1], client), out);
    }
    case operation::reduce:
    case operation::classify: {
      yjs::Knowledge held;
      for (const byte_view update : rest) {
        const auto learned = yjs::learn(update, held);
        if (!learned) return refusal(learned);
      }
      if (op == operation::reduce) return keep(yjs::reduce(in[0], held), out);
      const auto novelty = yjs::classify(in[0], held);
      if (novelty) out.push_back({static_cast<std::uint8_t>(*novelty)});
      return refusal(novelty);
    }
    case operation::can_read:
      return keep(weft::crdt::available(), out);
    case operation::read_json:
      return keep(weft::crdt::read_json(in[0]), out);
    case operation::read_text:
      return keep(weft::crdt::read_text(in[0], weft::base::as_text(in[1])), out);
    case operation::read_delta:
      return keep(weft::crdt::read_delta(in[0], weft::base::as_text(in[1])), out);
    case operation::read_xml:
      return keep(weft::crdt::read_xml(in[0], weft::base::as_text(in[1])), out);
    case operation::same_document: {
      // Nothing when they are the same, else why not.
      std::string difference;
      const auto same = weft::crdt::same_document(in[0], rest, &difference);
      return keep(
          same ? weft::base::result<std::string>(difference) : std::unexpected(same.error()), out);
    }
  }
  WEFT_CHECK(!"a known operation");
  return 0;
}

}  // namespace

int main() {
  std::uint32_t bytes = 0;
  byte_vector request;
  while (read_exactly(&bytes, sizeof bytes)) {
    request.resize(bytes);
    if (!read_exactly(request.data(), bytes) || bytes == 0) return 1;
    std::vector<byte_view> list;
    if (!take_list(byte_view(request).subspan(1), list)) return 1;
    answer out;
    const int refused = run(static_cast<operation>(request[0]), list, out);
    byte_vector body{static_cast<std::uint8_t>(refused)};
    put_u32(body, out.size());
    for (const byte_vector& entry : out) {
      put_u32(body, entry.size());
      body.insert(body.end(), entry.begin(), entry.end());
    }
    byte_vector header;
    put_u32(header, body.size());
    std::fwrite(header.data(), 1, header.size(), stdout);
    std::fwrite(body.data(), 1, body.size(), stdout);
    std::fflush(stdout);
  }
  return 0;
}
