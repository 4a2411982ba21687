#include <algorithm>
#include <string>
#include <vector>

#include "entries.h"
#include "weft/base/result.h"
#include "weft/net/address.h"
#include "weft/net/http.h"
#include "weft/net/origin.h"
#include "weft/net/websocket_extensions.h"

namespace weft::fuzz {

namespace {

constexpr net::HttpLimits limits{.header_bytes_max = 512, .body_bytes_max = 1024};

const net::AddressRanges& trusted_proxies() {
  static const auto ranges = net::AddressRanges::parse({"10.0.0.0/8", "::1"}).value();
  return ranges;
}

struct outcome {
  std::vector<std::string> requests;
  bool refused = false;
  bool unfinished = false;
};

/// The pieces decide only how early a broken request is seen to be broken.
bool agree(const outcome& a, const outcome& b) {
  return a.requests == b.requests &&
         (a.refused == b.refused || (a.refused ? b.unfinished : a.unfinished));
}

std::string text_of(const net::HttpRequest& request) {
  std::string out = request.method + " " + request.target + "\n";
  for (const auto& header : request.headers) out += header.name + ":" + header.value + "\n";
  return out + std::string(base::as_text(request.body));
}

outcome parse(base::byte_view bytes, std::size_t piece) {
  using state = net::HttpRequestParser::state;
  net::HttpRequestParser parser(limits);
  outcome out;
  base::byte_vector pending;
  for (std::size_t from = 0; from < bytes.size(); from += piece) {
    const auto more = bytes.subspan(from, std::min(piece, bytes.size() - from));
    pending.insert(pending.end(), more.begin(), more.end());
    while (!pending.empty()) {
      const auto step = parser.feed(pending);
      WEFT_CHECK(step.consumed <= pending.size());
      pending.erase(pending.begin(), pending.begin() + static_cast<std::ptrdiff_t>(step.consumed));
      if (step.what == state::refused) {
        WEFT_CHECK(step.status >= 400 && step.status < 600);
        out.refused = true;
        return out;
      }
      if (step.what == state::need_more) break;
      const net::HttpRequest request = parser.take();
      WEFT_CHECK(request.body.size() <= limits.body_bytes_max);
      static_cast<void>(net::check_handshake(request));
      static_cast<void>(net::percent_decode(request.path()));
      static_cast<void>(request.query_parameter("token"));
      static_cast<void>(net::offers_deflate(request));
      // What is trusted is never the answer, and what is listed nowhere is not allowed.
      const auto client = net::forwarded_client(request, trusted_proxies());
      WEFT_CHECK(!client || !trusted_proxies().hold(*client));
      const bool same = net::is_same_origin(request);
      WEFT_CHECK(net::origin_allowed(request, {}) == (same || request.header("Origin").empty()));
      out.requests.push_back(text_of(request));
    }
    WEFT_CHECK(pending.size() <= limits.header_bytes_max);
  }
  out.unfinished = !pending.empty() || parser.started();
  return out;
}

}  // namespace

void http_requests(base::byte_view input) {
  if (input.empty()) return;
  const base::byte_view bytes = input.subspan(1);
  const outcome whole = parse(bytes, bytes.size() + 1);
  WEFT_CHECK(agree(parse(bytes, 1), whole));
  WEFT_CHECK(agree(parse(bytes, 1 + input[0]), whole));
}

}  // namespace weft::fuzz
