#include "weft/protocol/plain_metadata.h"

#include <charconv>

namespace weft::protocol {

namespace {

/// Reads what lies at the front of a text; each call takes away what it has read.
class PlainReader {
 public:
  explicit PlainReader(std::string_view text) : left_(text) {}

  bool take(char expected) {
    if (left_.empty() || left_.front() != expected) return false;
    left_.remove_prefix(1);
    return true;
  }

  std::optional<std::string_view> string() {
    if (!take('"')) return std::nullopt;
    for (std::size_t i = 0; i < left_.size(); ++i) {
      const auto c = static_cast<unsigned char>(left_[i]);
      if (c == '"') {
        const std::string_view out = left_.substr(0, i);
        left_.remove_prefix(i + 1);
        return out;
      }
      if (c < 0x20 || c >= 0x80 || c == '\\') return std::nullopt;
    }
    return std::nullopt;
  }

  std::optional<std::uint64_t> integer() {
    constexpr std::size_t digits_max = 18;  // fits a signed integer as well
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(left_.data(), left_.data() + left_.size(), value);
    const auto digits = static_cast<std::size_t>(end - left_.data());
    if (error != std::errc() || digits > digits_max) return std::nullopt;
    if (digits > 1 && left_.front() == '0') return std::nullopt;
    left_.remove_prefix(digits);
    return value;
  }

  bool at_string() const { return left_.starts_with('"'); }
  bool empty() const { return left_.empty(); }

 private:
  std::string_view left_;
};

/// What has been read; views of the text.
struct Found {
  std::string_view room, doc, channel;
  std::optional<std::string_view> subdoc, sender;
  std::optional<std::uint64_t> version, timestamp;
};

/// False when the member has another type than its key demands.
bool take_text(std::string_view key, std::string_view value, Found& out) {
  if (key == "roomId") {
    out.room = value;
  } else if (key == "docId") {
    out.doc = value;
  } else if (key == "channel") {
    out.channel = value;
  } else if (key == "senderId") {
    out.sender = value;
  } else if (key == "subdocId") {
    out.subdoc = value;
  } else {
    return key != "version" && key != "timestamp";
  }
  return true;
}

bool take_integer(std::string_view key, std::uint64_t value, Found& out) {
  if (key == "version") {
    out.version = value;
  } else if (key == "timestamp") {
    out.timestamp = value;
  } else {
    return key != "roomId" && key != "docId" && key != "channel" && key != "senderId" &&
           key != "subdocId";
  }
  return true;
}

bool read_members(PlainReader& text, Found& out) {
  do {
    const auto key = text.string();
    if (!key || !text.take(':')) return false;
    if (text.at_string()) {
      const auto value = text.string();
      if (!value || !take_text(*key, *value, out)) return false;
    } else {
      const auto value = text.integer();
      if (!value || !take_integer(*key, *value, out)) return false;
    }
  } while (text.take(','));
  return text.take('}') && text.empty();
}

std::optional<Channel> channel_of(std::string_view name) {
  for (const Channel channel : {Channel::doc, Channel::awareness, Channel::control}) {
    if (name == channel_name(channel)) return channel;
  }
  return std::nullopt;
}

}  // namespace

std::optional<Metadata> read_plain_metadata(base::byte_view json) {
  PlainReader text(base::as_text(json));
  Found found;
  if (!text.take('{') || !read_members(text, found)) return std::nullopt;
  const auto channel = channel_of(found.channel);
  if (!channel || found.room.empty() || found.doc.empty()) return std::nullopt;
  if (found.subdoc && found.subdoc->empty()) return std::nullopt;
  Metadata out;
  out.document.room_id = found.room;
  out.document.doc_id = found.doc;
  if (found.subdoc) out.document.subdoc_id.emplace(*found.subdoc);
  out.channel = *channel;
  out.version = found.version;
  if (found.sender) out.sender_id.emplace(*found.sender);
  if (found.timestamp) out.timestamp_ms = static_cast<std::int64_t>(*found.timestamp);
  return out;
}

}  // namespace weft::protocol
