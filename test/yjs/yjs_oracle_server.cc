// Answers requests of test/yjs/oracle/run.mjs, so that Yjs and weft_yjs can be compared in bulk.
//
// Request and answer: a uint32 length, then the body; all integers little-endian.
// Request body: one operation byte, then a list. Answer body: 0 and a list, or 1 and nothing.
// A list is a uint32 count, then for each entry a uint32 length and the bytes.
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "weft/crdt/reader.h"
#include "weft/yjs/update.h"

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
  // Typed reading by weft_crdt; see reading.mjs.
  can_read = 32,
  read_json,
  read_text,
  read_delta,
  read_xml,
  same_document,
};

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

bool keep(weft::base::result<byte_vector> result, answer& out) {
  if (!result) return false;
  out.push_back(std::move(*result));
  return true;
}

bool keep(weft::base::result<bool> result, answer& out) {
  if (!result) return false;
  out.push_back({static_cast<std::uint8_t>(*result)});
  return true;
}

bool keep(const weft::base::result<std::string>& result, answer& out) {
  const std::string& text = result ? *result : result.error().message;
  const auto bytes = weft::base::as_bytes(text);
  out.emplace_back(bytes.begin(), bytes.end());
  return true;
}

bool keep(bool result, answer& out) {
  out.push_back({static_cast<std::uint8_t>(result)});
  return true;
}

/// False when the library refused the input.
bool run(operation op, std::span<const byte_view> in, answer& out) {
  namespace yjs = weft::yjs;
  const auto rest = in.empty() ? in : in.subspan(1);
  switch (op) {
    case operation::merge:
      return keep(yjs::merge(in), out);
    case operation::diff:
      return keep(yjs::diff(in[0], in[1]), out);
    case operation::state_vector:
      return keep(yjs::state_vector_of(in[0]), out);
    case operation::compact:
      return keep(yjs::compact(in), out);
    case operation::split: {
      std::uint32_t max = 0;
      byte_view limit = in[1];
      if (!take_u32(limit, max)) return false;
      auto parts = yjs::split(in[0], max);
      if (!parts) return false;
      out = std::move(*parts);
      return true;
    }
    case operation::validate:
      return yjs::validate(in[0]).has_value();
    case operation::contains:
      return keep(yjs::contains(rest, in[0]), out);
    case operation::same_content:
      return keep(yjs::same_content(in[0], rest), out);
    case operation::reduce:
    case operation::classify: {
      yjs::Knowledge held;
      for (const byte_view update : rest) {
        if (!yjs::learn(update, held)) return false;
      }
      if (op == operation::reduce) return keep(yjs::reduce(in[0], held), out);
      const auto novelty = yjs::classify(in[0], held);
      if (!novelty) return false;
      out.push_back({static_cast<std::uint8_t>(*novelty)});
      return true;
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
  return false;
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
    const bool good = run(static_cast<operation>(request[0]), list, out);
    byte_vector body{static_cast<std::uint8_t>(good ? 0 : 1)};
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
