#include "weft/net/websocket_frame.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "weft/net/deflate.h"

namespace weft::net {

namespace {

constexpr std::uint8_t fin_bit = 0x80;
constexpr std::uint8_t reserved_bits = 0x70;
constexpr std::uint8_t deflated_bit = 0x40;
constexpr std::uint8_t mask_bit = 0x80;

std::uint64_t big_endian(const std::uint8_t* from, std::size_t bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes; ++i) value = (value << 8) | from[i];
  return value;
}

std::size_t header_bytes(const std::uint8_t* first_two) {
  const std::uint8_t length = first_two[1] & 0x7f;
  const std::size_t extended = length == 127 ? 8 : length == 126 ? 2 : 0;
  return 2 + extended + ((first_two[1] & mask_bit) != 0 ? 4 : 0);
}

frame_event violation(frame_event event, std::uint16_t code, std::string_view reason) {
  event.what = frame_event::kind::violation;
  event.code = code;
  event.reason = reason;
  return event;
}

/// Length of the UTF-8 sequence at `at`, or 0 if there is none.
std::size_t utf8_sequence(base::byte_view bytes, std::size_t at) {
  const std::uint8_t first = bytes[at];
  std::size_t length = 0;
  std::uint8_t second_min = 0x80;
  std::uint8_t second_max = 0xbf;
  if (first >= 0xc2 && first <= 0xdf) {
    length = 2;
  } else if (first >= 0xe0 && first <= 0xef) {
    length = 3;
    if (first == 0xe0) second_min = 0xa0;  // overlong
    if (first == 0xed) second_max = 0x9f;  // surrogates
  } else if (first >= 0xf0 && first <= 0xf4) {
    length = 4;
    if (first == 0xf0) second_min = 0x90;  // overlong
    if (first == 0xf4) second_max = 0x8f;  // above U+10FFFF
  } else {
    return 0;
  }
  if (bytes.size() - at < length) return 0;
  if (bytes[at + 1] < second_min || bytes[at + 1] > second_max) return 0;
  for (std::size_t i = 2; i < length; ++i) {
    if ((bytes[at + i] & 0xc0) != 0x80) return 0;
  }
  return length;
}

}  // namespace

bool is_sendable_close_code(std::uint16_t code) {
  if (code >= 3000 && code <= 4999) return true;
  return code >= 1000 && code <= 1014 && code != 1004 && code != close_code::no_status &&
         code != close_code::abnormal;
}

bool is_utf8(base::byte_view bytes) {
  std::size_t at = 0;
  while (at < bytes.size()) {
    if (bytes.size() - at >= 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, bytes.data() + at, 8);
      if ((word & 0x8080808080808080ULL) == 0) {
        at += 8;
        continue;
      }
    }
    if (bytes[at] < 0x80) {
      ++at;
      continue;
    }
    const std::size_t length = utf8_sequence(bytes, at);
    if (length == 0) return false;
    at += length;
  }
  return true;
}

void unmask(std::span<std::uint8_t> bytes, const std::array<std::uint8_t, 4>& mask,
            std::size_t phase) {
  std::array<std::uint8_t, 8> pattern{};
  for (std::size_t i = 0; i < 8; ++i) pattern[i] = mask[(phase + i) & 3];
  std::uint64_t key = 0;
  std::memcpy(&key, pattern.data(), 8);
  std::uint8_t* at = bytes.data();
  std::size_t left = bytes.size();
  // 32 bytes a round, through a local array that the compiler keeps in vector registers.
  for (; left >= 32; at += 32, left -= 32) {
    std::uint64_t words[4];
    std::memcpy(words, at, 32);
    for (std::uint64_t& word : words) word ^= key;
    std::memcpy(at, words, 32);
  }
  for (std::size_t i = 0; i < left; ++i) at[i] ^= pattern[i & 7];
}

std::size_t frame_header(opcode code, std::uint64_t payload_bytes, std::uint8_t* out,
                         bool deflated) {
  out[0] = fin_bit | static_cast<std::uint8_t>(code) | (deflated ? deflated_bit : 0);
  if (payload_bytes < 126) {
    out[1] = static_cast<std::uint8_t>(payload_bytes);
    return 2;
  }
  const std::size_t extended = payload_bytes < 65536 ? 2 : 8;
  out[1] = extended == 2 ? 126 : 127;
  for (std::size_t i = 0; i < extended; ++i) {
    out[2 + i] = static_cast<std::uint8_t>(payload_bytes >> (8 * (extended - 1 - i)));
  }
  return 2 + extended;
}

base::shared_bytes make_frame(opcode code, base::byte_view payload) {
  std::array<std::uint8_t, frame_header_bytes_max> header{};
  const std::size_t header_size = frame_header(code, payload.size(), header.data());
  return base::shared_bytes::build(header_size + payload.size(), [&](std::uint8_t* out) {
    std::memcpy(out, header.data(), header_size);
    if (!payload.empty()) std::memcpy(out + header_size, payload.data(), payload.size());
  });
}

base::shared_bytes make_close_frame(std::uint16_t code, std::string_view reason) {
  if (code == close_code::no_status) return make_frame(opcode::close, {});
  std::size_t size = std::min(reason.size(), control_payload_bytes_max - 2);
  // A cut in the middle of a character would make the reason invalid.
  while (size < reason.size() && size > 0 &&
         (static_cast<std::uint8_t>(reason[size]) & 0xc0) == 0x80) {
    --size;
  }
  std::array<std::uint8_t, control_payload_bytes_max> payload{};
  payload[0] = static_cast<std::uint8_t>(code >> 8);
  payload[1] = static_cast<std::uint8_t>(code);
  if (size > 0) std::memcpy(payload.data() + 2, reason.data(), size);
  return make_frame(opcode::close, {payload.data(), 2 + size});
}

void FrameDecoder::release_delivered() {
  if (message_delivered_) {
    base::byte_vector().swap(message_);
    message_delivered_ = false;
  }
  if (inflater_) inflater_->release();
  if (control_delivered_) {
    base::byte_vector().swap(control_);
    control_delivered_ = false;
  }
}

bool FrameDecoder::take_header(std::span<std::uint8_t> bytes, std::size_t& at) {
  while (true) {
    const std::size_t want = header_size_ < 2 ? 2 : header_bytes(header_.data());
    if (header_size_ == want && want > 2) return true;
    if (header_size_ == 2 && want == 2) return true;
    const std::size_t take = std::min(want - header_size_, bytes.size() - at);
    if (take == 0) return false;
    std::memcpy(header_.data() + header_size_, bytes.data() + at, take);
    header_size_ = static_cast<std::uint8_t>(header_size_ + take);
    at += take;
  }
}

bool FrameDecoder::open_frame(frame_event& event) {
  const auto refuse = [&](std::uint16_t code, std::string_view reason) {
    event = violation(event, code, reason);
    return false;
  };
  header_size_ = 0;
  fin_ = (header_[0] & fin_bit) != 0;
  frame_opcode_ = static_cast<opcode>(header_[0] & 0x0f);
  // Only the first frame of a message may say that the message is compressed.
  const bool begins = frame_opcode_ == opcode::text || frame_opcode_ == opcode::binary;
  const bool deflated = (header_[0] & deflated_bit) != 0;
  if ((header_[0] & reserved_bits & ~deflated_bit) != 0 || (deflated && !(inflater_ && begins))) {
    return refuse(close_code::protocol_error, "reserved bits are set");
  }
  switch (frame_opcode_) {
    case opcode::continuation:
      if (!in_message_) return refuse(close_code::protocol_error, "nothing to continue");
      break;
    case opcode::text:
    case opcode::binary:
      if (in_message_) return refuse(close_code::protocol_error, "a message is not finished");
      break;
    case opcode::close:
    case opcode::ping:
    case opcode::pong:
      if (!fin_) return refuse(close_code::protocol_error, "a control frame is fragmented");
      break;
    default:
      return refuse(close_code::protocol_error, "unknown opcode");
  }
  const bool masked = (header_[1] & mask_bit) != 0;
  if (masked != (role_ == peer::client)) {
    return refuse(close_code::protocol_error, masked ? "frame is masked" : "frame is not masked");
  }
  const std::uint8_t length = header_[1] & 0x7f;
  frame_bytes_left_ = length;
  std::size_t mask_at = 2;
  if (length >= 126) {
    const std::size_t extended = length == 126 ? 2 : 8;
    frame_bytes_left_ = big_endian(header_.data() + 2, extended);
    mask_at += extended;
    if (frame_bytes_left_ < (extended == 2 ? 126U : 65536U)) {
      return refuse(close_code::protocol_error, "length is not in its shortest form");
    }
    if ((frame_bytes_left_ >> 63) != 0) return refuse(close_code::protocol_error, "length");
  }
  mask_ = {};
  if (masked) std::memcpy(mask_.data(), header_.data() + mask_at, 4);
  mask_phase_ = 0;
  if (is_control()) {
    if (frame_bytes_left_ > control_payload_bytes_max) {
      return refuse(close_code::protocol_error, "a control frame is too long");
    }
  } else {
    if (frame_bytes_left_ > message_bytes_max_ - message_.size()) {
      return refuse(close_code::too_big, "message exceeds net.message_bytes_max");
    }
    if (begins) {
      binary_ = frame_opcode_ == opcode::binary;
      deflated_ = deflated;
    }
  }
  in_frame_ = true;
  return true;
}

void FrameDecoder::append(base::byte_vector& buffer, std::span<std::uint8_t> bytes) {
  unmask(bytes, mask_, mask_phase_);
  mask_phase_ = static_cast<std::uint8_t>((mask_phase_ + bytes.size()) & 3);
  const std::size_t needed = buffer.size() + bytes.size();
  if (needed > buffer.capacity()) {
    // Doubling, but not beyond what this frame can still bring.
    const std::uint64_t known = buffer.size() + frame_bytes_left_;
    buffer.reserve(std::max<std::uint64_t>(needed, std::min<std::uint64_t>(known, 2 * needed)));
  }
  buffer.insert(buffer.end(), bytes.begin(), bytes.end());
  frame_bytes_left_ -= bytes.size();
}

frame_event FrameDecoder::control_event(base::byte_view payload, frame_event event) {
  event.payload = payload;
  if (frame_opcode_ == opcode::ping) {
    event.what = frame_event::kind::ping;
    return event;
  }
  if (frame_opcode_ == opcode::pong) {
    event.what = frame_event::kind::pong;
    return event;
  }
  event.what = frame_event::kind::close;
  event.code = close_code::no_status;
  if (payload.empty()) return event;
  if (payload.size() == 1) {
    return violation(event, close_code::protocol_error, "close frame of one byte");
  }
  event.code = static_cast<std::uint16_t>(big_endian(payload.data(), 2));
  event.payload = payload.subspan(2);
  if (!is_sendable_close_code(event.code)) {
    return violation(event, close_code::protocol_error, "close code is reserved");
  }
  if (!is_utf8(event.payload)) {
    return violation(event, close_code::invalid_data, "close reason is not UTF-8");
  }
  return event;
}

frame_event FrameDecoder::message_event(base::byte_view payload, frame_event event) {
  in_message_ = false;
  if (deflated_) {
    const auto inflated = inflater_->inflate(payload, message_bytes_max_);
    if (inflated.what == Inflater::outcome::too_big) {
      return violation(event, close_code::too_big, "message exceeds net.message_bytes_max");
    }
    if (inflated.what == Inflater::outcome::broken) {
      return violation(event, close_code::invalid_data, "compressed data is broken");
    }
    payload = inflated.bytes;
    event.deflated = true;
  }
  if (!binary_ && !is_utf8(payload)) {
    return violation(event, close_code::invalid_data, "text is not UTF-8");
  }
  event.what = frame_event::kind::message;
  event.binary = binary_;
  event.payload = payload;
  return event;
}

frame_event FrameDecoder::next(std::span<std::uint8_t> bytes) {
  release_delivered();
  frame_event event;
  std::size_t at = 0;
  while (true) {
    if (!in_frame_) {
      const bool whole = take_header(bytes, at);
      event.consumed = at;
      if (!whole || !open_frame(event)) return event;
    }
    const auto here =
        bytes.subspan(at, std::min<std::uint64_t>(bytes.size() - at, frame_bytes_left_));
    const bool ends = here.size() == frame_bytes_left_;
    at += here.size();
    event.consumed = at;
    base::byte_vector& buffer = is_control() ? control_ : message_;
    if (ends && buffer.empty() && (is_control() || (fin_ && !in_message_))) {
      in_frame_ = false;
      unmask(here, mask_, mask_phase_);
      return is_control() ? control_event(here, event) : message_event(here, event);
    }
    append(buffer, here);
    if (!ends) return event;
    in_frame_ = false;
    if (is_control()) {
      control_delivered_ = true;
      return control_event(control_, event);
    }
    if (fin_) {
      message_delivered_ = true;
      return message_event(message_, event);
    }
    in_message_ = true;
  }
}

}  // namespace weft::net
