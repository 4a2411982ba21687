#include "entries.h"

#include <algorithm>

#include "weft/base/result.h"
#include "weft/yjs/indexed_update.h"
#include "weft/yjs/revert.h"
#include "weft/yjs/sync_protocol.h"
#include "weft/yjs/update_v2.h"

namespace weft::fuzz {
namespace {

using base::byte_vector;
using base::byte_view;

std::vector<byte_view> chunks(byte_view input) {
  constexpr std::size_t all = 255;
  std::vector<byte_view> out;
  while (!input.empty()) {
    const std::size_t asked = input[0];
    input = input.subspan(1);
    const std::size_t bytes = asked == all ? input.size() : std::min(asked, input.size());
    out.push_back(input.first(bytes));
    input = input.subspan(bytes);
  }
  return out;
}

bool all_valid(const std::vector<byte_view>& updates) {
  return std::ranges::all_of(updates, [](byte_view u) { return yjs::validate(u).has_value(); });
}

yjs::Knowledge learn_all(const std::vector<byte_view>& updates) {
  yjs::Knowledge out;
  for (const byte_view update : updates) WEFT_CHECK(yjs::learn(update, out));
  return out;
}

constexpr std::size_t v1_bytes_max = std::size_t{64} << 10;

template <typename T>
bool failed_with(const base::result<T>& result, yjs::errc code) {
  return !result && result.error().code == yjs::make_error_code(code);
}

bool equal(const yjs::Knowledge& a, const yjs::Knowledge& b) {
  return a.structs.clients() == b.structs.clients() &&
         a.deletions.clients() == b.deletions.clients();
}

}  // namespace

void validate(byte_view input) {
  const bool valid = yjs::validate(input).has_value();
  const auto empty = yjs::is_empty(input);
  WEFT_CHECK(empty.has_value() == valid);
  yjs::Knowledge known;
  WEFT_CHECK(yjs::learn(input, known).has_value() == valid);
  if (!valid) return;
  WEFT_CHECK(yjs::state_vector_of(input));
  WEFT_CHECK(*empty == (known.structs.empty() && known.deletions.empty()));
}

void merge(byte_view input) {
  const auto updates = chunks(input);
  const auto merged = yjs::merge(updates);
  WEFT_CHECK(merged.has_value() == all_valid(updates));
  if (merged) WEFT_CHECK(yjs::validate(*merged));
}

void diff(byte_view input) {
  const auto parts = chunks(input);
  if (parts.size() < 2) return;
  const auto rest = yjs::diff(parts[0], parts[1]);
  if (rest) WEFT_CHECK(yjs::validate(*rest));
  const auto whole = yjs::diff(parts[0], yjs::empty_state_vector());
  WEFT_CHECK(whole.has_value() == yjs::validate(parts[0]).has_value());
}

void compact(byte_view input) {
  const auto updates = chunks(input);
  const auto once = yjs::compact(updates);
  WEFT_CHECK(once.has_value() == all_valid(updates));
  if (!once) return;
  const byte_view view(*once);
  const auto twice = yjs::compact({&view, 1});
  WEFT_CHECK(twice && *twice == *once);
  const auto before = learn_all(updates);
  const auto after = learn_all({view});
  WEFT_CHECK(before.structs.clients() == after.structs.clients());
  for (const auto& [client, ranges] : before.deletions.clients()) {
    for (const auto range : ranges) WEFT_CHECK(after.deletions.contains(client, range));
  }
}

void indexed(byte_view input) {
  const auto parts = chunks(input);
  if (parts.size() < 3) return;
  const auto held = base::shared_bytes::copy_of(parts[2]);
  const auto run = yjs::IndexedUpdate::build(held, 1 + input[0] % 8);
  WEFT_CHECK(run.has_value() == yjs::validate(held).has_value());
  if (!run) return;
  // Whatever is asked with: the fuzzer's own bytes, and what another update would have.
  const auto other = yjs::state_vector_of(parts[1]);
  for (const byte_view vector : {parts[0], other ? byte_view(*other) : parts[0]}) {
    const auto quick = run->diff(vector);
    const auto slow = yjs::diff(run->update(), vector);
    WEFT_CHECK(quick.has_value() == slow.has_value());
    if (quick) WEFT_CHECK(*quick == *slow);
  }
  const yjs::IndexedUpdate* const runs[] = {&*run};
  const byte_view whole = run->update();
  for (const byte_view update : {parts[0], parts[1]}) {
    const auto quick = yjs::same_content(update, runs, {});
    const auto slow = yjs::same_content(update, {&whole, 1});
    WEFT_CHECK(quick.has_value() == slow.has_value());
    if (quick) WEFT_CHECK(*quick == *slow);
  }
}

void split(byte_view input) {
  if (input.empty()) return;
  const std::size_t max = input[0];
  const byte_view update = input.subspan(1);
  const auto parts = yjs::split(update, max);
  WEFT_CHECK(parts.has_value() == yjs::validate(update).has_value());
  if (!parts) return;
  std::vector<byte_view> views(parts->begin(), parts->end());
  WEFT_CHECK(equal(learn_all(views), learn_all({update})));
}

void revert(byte_view input) {
  constexpr yjs::client_id client = yjs::client_id{1} << 40;
  const auto updates = chunks(input);
  if (updates.empty() || !all_valid(updates)) return;
  const auto past = yjs::compact({updates.data(), 1});
  const auto present = yjs::compact(updates);
  WEFT_CHECK(past && present);
  const auto edit = yjs::revert(*past, *present, client);
  if (!edit) return;  // ids that contradict each other
  WEFT_CHECK(yjs::validate(*edit));
  const byte_view both[] = {*present, *edit};
  const auto reverted = yjs::compact(both);
  WEFT_CHECK(reverted);
  const auto same = yjs::same_appearance(*reverted, *past);
  WEFT_CHECK(same && *same);
}

void knowledge(byte_view input) {
  const auto parts = chunks(input);
  if (parts.empty() || !all_valid(parts)) return;
  const byte_view update = parts[0];
  const std::vector<byte_view> held(parts.begin() + 1, parts.end());
  auto known = learn_all(held);
  const auto novelty = yjs::classify(update, known);
  const auto reduced = yjs::reduce(update, known);
  WEFT_CHECK(novelty && reduced);
  const bool nothing = *novelty == yjs::Novelty::empty || *novelty == yjs::Novelty::contained;
  WEFT_CHECK(nothing == base::equal(*reduced, yjs::empty_update()));
  const auto same = yjs::same_content(update, held);
  const auto contained = yjs::contains(held, update);
  WEFT_CHECK(same && contained);
  WEFT_CHECK(*contained == (*novelty == yjs::Novelty::empty || (nothing && *same)));

  auto all = known;
  WEFT_CHECK(yjs::learn(update, all));
  WEFT_CHECK(yjs::learn(*reduced, known));
  WEFT_CHECK(equal(all, known));
}

void convert(byte_view input) {
  const bool valid = yjs::validate(input).has_value();
  const auto packed = yjs::v1_to_v2(input);
  if (!packed) {
    WEFT_CHECK(!valid || failed_with(packed, yjs::errc::too_large));
    return;
  }
  WEFT_CHECK(valid && yjs::validate_v2(*packed));
  const auto unpacked = yjs::v2_to_v1(*packed);
  WEFT_CHECK(unpacked);
  WEFT_CHECK(*yjs::state_vector_of(*unpacked) == *yjs::state_vector_of_v2(*packed));
  // JSON loses the sign of zero, infinities and halves of surrogate pairs; once lost all is stable.
  WEFT_CHECK(*yjs::v2_to_v1(*yjs::v1_to_v2(*unpacked)) == *unpacked);
  // Where a client has one section, nothing moves.
  if (*yjs::classify(input, {}) == yjs::Novelty::fresh) {
    WEFT_CHECK(equal(learn_all({input}), learn_all({*unpacked})));
  }
}

void validate_v2(byte_view input) {
  const auto valid = yjs::validate_v2(input, v1_bytes_max);
  const auto states = yjs::state_vector_of_v2(input, v1_bytes_max);
  WEFT_CHECK(!valid || states);
  const auto unpacked = yjs::v2_to_v1(input, v1_bytes_max);
  if (!unpacked) {
    WEFT_CHECK(!valid || failed_with(unpacked, yjs::errc::no_v1_form) ||
               failed_with(unpacked, yjs::errc::over_limit));
    return;
  }
  WEFT_CHECK(unpacked->size() <= v1_bytes_max);
  WEFT_CHECK(yjs::validate(*unpacked));
  WEFT_CHECK(valid || failed_with(valid, yjs::errc::over_limit));
  const auto packed = yjs::v1_to_v2(*unpacked);
  WEFT_CHECK(packed || failed_with(packed, yjs::errc::too_large));
  if (!packed) return;
  // Deletions that v1 has in any order come back sorted.
  const auto again = yjs::v2_to_v1(*packed);
  WEFT_CHECK(again && *yjs::v2_to_v1(*yjs::v1_to_v2(*again)) == *again);
}

void merge_v2(byte_view input) {
  const auto updates = chunks(input);
  const auto merged = yjs::merge_v2(updates, v1_bytes_max);
  const bool all = std::ranges::all_of(
      updates, [](byte_view u) { return yjs::validate_v2(u, v1_bytes_max).has_value(); });
  if (merged) {
    WEFT_CHECK(all && yjs::validate_v2(*merged));
  } else {
    WEFT_CHECK(!all || failed_with(merged, yjs::errc::over_limit) ||
               failed_with(merged, yjs::errc::too_large));
  }
}

void diff_v2(byte_view input) {
  const auto parts = chunks(input);
  if (parts.size() < 2) return;
  const auto rest = yjs::diff_v2(parts[0], parts[1], v1_bytes_max);
  if (rest) WEFT_CHECK(yjs::validate_v2(*rest));
  const auto whole = yjs::diff_v2(parts[0], yjs::empty_state_vector(), v1_bytes_max);
  const auto valid = yjs::validate_v2(parts[0], v1_bytes_max);
  WEFT_CHECK(whole.has_value() == valid.has_value() || failed_with(whole, yjs::errc::over_limit) ||
             failed_with(whole, yjs::errc::too_large));
}

void sync_message(byte_view input) {
  while (!input.empty()) {
    std::size_t consumed = 0;
    const auto message = yjs::decode_message(input, consumed);
    if (!message) return;
    WEFT_CHECK(consumed > 0 && consumed <= input.size());
    if (message->type == yjs::message_type::sync) {
      std::uint8_t header[12];
      WEFT_CHECK(yjs::write_sync_header(message->sync, message->body.size(), header) <= 12);
    }
    input = input.subspan(consumed);
  }
}

void awareness(byte_view input) {
  const auto entries = yjs::decode_awareness(input);
  if (!entries) return;
  const byte_vector again = yjs::encode_awareness_update(*entries);
  const auto decoded = yjs::decode_awareness(again);
  WEFT_CHECK(decoded && decoded->size() == entries->size());
}

}  // namespace weft::fuzz
