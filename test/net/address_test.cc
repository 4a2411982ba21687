#include "weft/net/address.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "weft/net/address_table.h"
#include "weft/net/rate_limit.h"

namespace weft::net {
namespace {

using namespace std::chrono_literals;

ip_address address(std::string_view text) {
  const auto out = ip_address::parse(text);
  EXPECT_TRUE(out.has_value()) << text;
  return out.value_or(ip_address());
}

AddressRanges ranges(std::vector<std::string> entries) {
  auto out = AddressRanges::parse(entries);
  EXPECT_TRUE(out.has_value()) << out.error().message;
  return out ? *out : AddressRanges();
}

TEST(Address, IsReadAndWritten) {
  EXPECT_EQ(address("192.0.2.1").text(), "192.0.2.1");
  EXPECT_EQ(address("::ffff:192.0.2.1"), address("192.0.2.1"));
  EXPECT_EQ(address("[2001:DB8::1]").text(), "2001:db8::1");
  for (const char* wrong :
       {"", "localhost", "192.0.2", "192.0.2.256", "2001:db8::1::", "[]", "192.0.2.1:80",
        "1111:2222:3333:4444:5555:6666:7777:8888:9999:0:1:2:3"}) {
    EXPECT_FALSE(ip_address::parse(wrong)) << wrong;
  }
}

TEST(Address, ASiteIsAnIpv4AddressOrAnIpv6Network) {
  EXPECT_NE(address("192.0.2.1").site(), address("192.0.2.2").site());
  EXPECT_EQ(address("2001:db8::1").site(), address("2001:db8::ffff:1").site());
  EXPECT_NE(address("2001:db8::1").site(), address("2001:db8:0:1::1").site());
}

TEST(AddressRanges, HoldAddressesAndNetworks) {
  const auto some = ranges({"127.0.0.1", "10.0.0.0/8", "172.16.0.0/12", "fd00::/8", "::1"});
  for (const char* held : {"127.0.0.1", "10.255.1.2", "172.31.255.255", "fd12::1", "::1"}) {
    EXPECT_TRUE(some.hold(address(held))) << held;
  }
  for (const char* strange : {"127.0.0.2", "11.0.0.1", "172.32.0.0", "fe00::1", "::2"}) {
    EXPECT_FALSE(some.hold(address(strange))) << strange;
  }
  EXPECT_TRUE(ranges({"0.0.0.0/0"}).hold(address("8.8.8.8")));
  EXPECT_FALSE(ranges({"0.0.0.0/0"}).hold(address("2001:db8::1")));
  EXPECT_TRUE(ranges({"::/0"}).hold(address("8.8.8.8")));
  for (const char* wrong : {"", "proxy", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/8x", "::/129"}) {
    const auto parsed = AddressRanges::parse({wrong});
    ASSERT_FALSE(parsed.has_value()) << wrong;
    EXPECT_NE(parsed.error().message.find("\"" + std::string(wrong) + "\""), std::string::npos);
  }
}

std::string client_of(std::vector<std::string> headers) {
  HttpRequest request;
  for (auto& value : headers) request.headers.push_back({"x-forwarded-for", std::move(value)});
  const auto out = forwarded_client(request, ranges({"10.0.0.0/8"}));
  return out ? out->text() : "none";
}

TEST(ForwardedClient, IsTheLastAddressThatNoTrustedProxyHas) {
  EXPECT_EQ(client_of({"192.0.2.7"}), "192.0.2.7");
  EXPECT_EQ(client_of({"6.6.6.6, 192.0.2.7, 10.0.0.2"}), "192.0.2.7");
  EXPECT_EQ(client_of({"6.6.6.6,192.0.2.7", "10.0.0.3 ,10.0.0.2"}), "192.0.2.7");
  EXPECT_EQ(client_of({"192.0.2.7:4711"}), "192.0.2.7");
  EXPECT_EQ(client_of({"[2001:db8::7]:4711"}), "2001:db8::7");
  EXPECT_EQ(client_of({"2001:db8::7"}), "2001:db8::7");
  EXPECT_EQ(client_of({}), "none");
  EXPECT_EQ(client_of({"10.0.0.2"}), "none");
  EXPECT_EQ(client_of({"192.0.2.7, unknown"}), "none");
  EXPECT_EQ(client_of({""}), "none");
}

TEST(AddressTable, GivesEachClientSoManyAndTakesThemBack) {
  const auto table = std::make_shared<AddressTable>(2);
  auto first = table->take(address("2001:db8::1"));
  auto second = table->take(address("2001:db8::2"));
  ASSERT_TRUE(first && second);
  EXPECT_FALSE(table->take(address("2001:db8::3")));
  EXPECT_TRUE(table->take(address("2001:db8:0:1::1")));
  AddressSlot moved = std::move(*first);
  first.reset();
  EXPECT_FALSE(table->take(address("2001:db8::3")));
  moved = AddressSlot();
  EXPECT_TRUE(table->take(address("2001:db8::3")));
  const auto unbounded = std::make_shared<AddressTable>(0);
  std::vector<AddressSlot> many;
  for (int i = 0; i < 10; ++i) many.push_back(std::move(*unbounded->take(address("192.0.2.1"))));
}

TEST(RateLimit, LetsASecondsWorthComeAtOnceAndTheRestSteadily) {
  RateLimit limit;
  const base::monotonic_time start = 1000s;
  EXPECT_EQ(limit.take(start, 100, 100), 0s);
  EXPECT_EQ(limit.take(start, 1, 100), 10ms);
  EXPECT_EQ(limit.take(start + 10ms, 0, 100), 0s);
  EXPECT_EQ(limit.take(start + 10ms, 300, 100), 3s);
  EXPECT_EQ(limit.take(start + 2s, 0, 100), 1010ms);
  // Time without use is not saved up beyond a second.
  EXPECT_EQ(limit.take(start + 60s, 100, 100), 0s);
  EXPECT_EQ(limit.take(start + 60s, 100, 100), 1s);
  EXPECT_EQ(limit.take(start, 1'000'000, 0), 0s);
}

}  // namespace
}  // namespace weft::net
