#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weft/base/result.h"
#include "weft/net/http.h"

struct sockaddr_storage;

namespace weft::net {

/// An IP address: IPv6, or IPv4 mapped into it.
struct ip_address {
  std::array<std::uint8_t, 16> bytes{};

  /// "192.0.2.1", "2001:db8::1" or "[2001:db8::1]".
  static std::optional<ip_address> parse(std::string_view text);
  static ip_address of(const sockaddr_storage& address);

  bool is_v4() const;
  std::string text() const;
  /// What counts as one client: an IPv4 address, or the 64-bit network that a site has in IPv6.
  ip_address site() const;

  auto operator<=>(const ip_address&) const = default;
};

/// Addresses and networks: "127.0.0.1", "10.0.0.0/8", "fd00::/8".
class AddressRanges {
 public:
  /// Errors: address; the message names the entry.
  static base::result<AddressRanges> parse(const std::vector<std::string>& entries);

  bool hold(const ip_address& address) const;
  bool empty() const { return ranges_.empty(); }
  /// As they were given.
  const std::vector<std::string>& entries() const { return entries_; }

 private:
  struct Range {
    ip_address first;
    unsigned bits;
  };
  std::vector<std::string> entries_;
  std::vector<Range> ranges_;
};

/// Whom a trusted proxy sent this request for: the last address of X-Forwarded-For that is no
/// trusted proxy itself. What stands in front of it anybody could have written. None when there is
/// no such address.
std::optional<ip_address> forwarded_client(const HttpRequest& request,
                                           const AddressRanges& trusted);

}  // namespace weft::net
