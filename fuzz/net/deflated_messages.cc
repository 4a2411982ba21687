#include "entries.h"
#include "weft/base/result.h"
#include "weft/net/deflate.h"

namespace weft::fuzz {

namespace {

constexpr std::size_t message_bytes_max = 64 * 1024;

base::byte_vector copy(base::byte_view bytes) { return {bytes.begin(), bytes.end()}; }

}  // namespace

void deflated_messages(base::byte_view input) {
  if (input.size() < 2) return;
  const std::size_t bytes_max = std::size_t{input[0]} * input[1];
  const base::byte_view payload = input.subspan(2);
  using outcome = net::Inflater::outcome;

  net::Inflater inflater;
  const auto first = inflater.inflate(payload, message_bytes_max);
  WEFT_CHECK(first.bytes.size() <= message_bytes_max);
  WEFT_CHECK(first.what == outcome::done || first.bytes.empty());
  WEFT_CHECK(inflater.buffered_bytes() <= 2 * message_bytes_max + 2);
  const auto what = first.what;
  const base::byte_vector bytes = copy(first.bytes);

  const auto bounded = inflater.inflate(payload, bytes_max);
  if (what == outcome::done) {
    WEFT_CHECK(bounded.what == (bytes.size() > bytes_max ? outcome::too_big : outcome::done));
  }

  // A reference to what a message before it said must find nothing.
  inflater.release();
  const auto again = inflater.inflate(payload, message_bytes_max);
  WEFT_CHECK(again.what == what && base::equal(again.bytes, bytes));

  base::byte_vector room(payload.size() + 64);
  const auto size = net::deflate_message(
      {payload.first(payload.size() / 3), payload.subspan(payload.size() / 3)}, room);
  if (!size) return;
  const auto back = inflater.inflate(base::byte_view(room).first(*size), payload.size());
  WEFT_CHECK(back.what == outcome::done && base::equal(back.bytes, payload));
  WEFT_CHECK(!net::deflate_message({payload}, std::span(room).first(*size / 2)));
}

}  // namespace weft::fuzz
