#include "weft/net/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <ranges>

#include "weft/net/errc.h"

namespace weft::net {

namespace {

constexpr std::array<std::uint8_t, 12> v4_prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr unsigned v4_prefix_bits = 96;
constexpr std::size_t site_bytes = 8;

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// What proxies write: an address, and some of them a port behind it.
std::optional<ip_address> parse_forwarded(std::string_view text) {
  if (auto plain = ip_address::parse(text)) return plain;
  const std::size_t colon = text.rfind(':');
  return colon == std::string_view::npos ? std::nullopt : ip_address::parse(text.substr(0, colon));
}

}  // namespace

std::optional<ip_address> ip_address::parse(std::string_view text) {
  if (text.size() > 2 && text.front() == '[' && text.back() == ']') {
    text = text.substr(1, text.size() - 2);
  }
  std::array<char, INET6_ADDRSTRLEN> zero_ended{};
  if (text.size() >= zero_ended.size()) return std::nullopt;
  std::ranges::copy(text, zero_ended.begin());
  ip_address out;
  if (::inet_pton(AF_INET6, zero_ended.data(), out.bytes.data()) == 1) return out;
  if (::inet_pton(AF_INET, zero_ended.data(), out.bytes.data() + v4_prefix.size()) != 1) {
    return std::nullopt;
  }
  std::ranges::copy(v4_prefix, out.bytes.begin());
  return out;
}

ip_address ip_address::of(const sockaddr_storage& address) {
  ip_address out;
  if (address.ss_family == AF_INET6) {
    std::memcpy(out.bytes.data(), &reinterpret_cast<const sockaddr_in6&>(address).sin6_addr, 16);
  } else if (address.ss_family == AF_INET) {
    std::ranges::copy(v4_prefix, out.bytes.begin());
    std::memcpy(out.bytes.data() + v4_prefix.size(),
                &reinterpret_cast<const sockaddr_in&>(address).sin_addr, 4);
  }
  return out;
}

bool ip_address::is_v4() const {
  return std::equal(v4_prefix.begin(), v4_prefix.end(), bytes.begin());
}

std::string ip_address::text() const {
  std::array<char, INET6_ADDRSTRLEN> out{};
  if (is_v4()) {
    ::inet_ntop(AF_INET, bytes.data() + v4_prefix.size(), out.data(), out.size());
  } else {
    ::inet_ntop(AF_INET6, bytes.data(), out.data(), out.size());
  }
  return out.data();
}

ip_address ip_address::site() const {
  ip_address out = *this;
  if (!is_v4()) std::fill(out.bytes.begin() + site_bytes, out.bytes.end(), std::uint8_t{0});
  return out;
}

base::result<AddressRanges> AddressRanges::parse(const std::vector<std::string>& entries) {
  AddressRanges out;
  out.entries_ = entries;
  for (const std::string& entry : entries) {
    const std::size_t slash = entry.find('/');
    const auto address = ip_address::parse(std::string_view(entry).substr(0, slash));
    const unsigned whole = address && address->is_v4() ? 32 : 128;
    unsigned bits = whole;
    bool good = address.has_value();
    if (good && slash != std::string::npos) {
      const char* end = entry.data() + entry.size();
      const auto [at, ec] = std::from_chars(entry.data() + slash + 1, end, bits);
      good = ec == std::errc() && at == end && bits <= whole;
    }
    if (!good) {
      return base::fail(errc::address, "\"" + entry +
                                           "\" is no address: write 192.0.2.1, 10.0.0.0/8 or "
                                           "fd00::/8");
    }
    out.ranges_.push_back({*address, whole == 32 ? bits + v4_prefix_bits : bits});
  }
  return out;
}

bool AddressRanges::hold(const ip_address& address) const {
  return std::ranges::any_of(ranges_, [&](const Range& range) {
    const std::size_t bytes = range.bits / 8;
    if (!std::equal(range.first.bytes.begin(),
                    range.first.bytes.begin() + static_cast<std::ptrdiff_t>(bytes),
                    address.bytes.begin())) {
      return false;
    }
    const unsigned rest = range.bits % 8;
    return rest == 0 || ((range.first.bytes[bytes] ^ address.bytes[bytes]) >> (8 - rest)) == 0;
  });
}

std::optional<ip_address> forwarded_client(const HttpRequest& request,
                                           const AddressRanges& trusted) {
  // Each proxy appends the address that it was connected from.
  for (const HttpHeader& header : request.headers | std::views::reverse) {
    if (!header.is("X-Forwarded-For")) continue;
    std::string_view rest = header.value;
    while (!rest.empty()) {
      const std::size_t comma = rest.rfind(',');
      const std::size_t from = comma == std::string_view::npos ? 0 : comma + 1;
      const auto address = parse_forwarded(trimmed(rest.substr(from)));
      if (!address) return std::nullopt;
      if (!trusted.hold(*address)) return address;
      rest = rest.substr(0, comma == std::string_view::npos ? 0 : comma);
    }
  }
  return std::nullopt;
}

}  // namespace weft::net
