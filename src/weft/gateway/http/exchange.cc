#include "weft/gateway/http/exchange.h"

#include <algorithm>
#include <charconv>

#include "weft/net/websocket_frame.h"

namespace weft::gateway::http {

namespace {

std::unexpected<base::error> refuse_parameter(std::string_view name, const std::string& why) {
  return std::unexpected(base::error{std::make_error_code(std::errc::invalid_argument),
                                     "parameter " + std::string(name) + " " + why});
}

}  // namespace

Exchange::~Exchange() {
  if (answered_ || responder_.abandoned()) return;
  // A responder dies on its own executor, wherever the last handler let go of this.
  auto& executor = responder_.executor();
  executor.post([responder = std::move(responder_)] {});
}

void Exchange::answer(net::HttpResponse response) {
  WEFT_CHECK(!answered_);
  answered_ = true;
  cors_.add_headers(request_, response);
  auto& executor = responder_.executor();
  executor.post([responder = std::move(responder_), response = std::move(response)]() mutable {
    responder.respond(std::move(response));
  });
}

std::string Exchange::token() const {
  constexpr std::string_view scheme = "bearer ";
  const std::string_view given = request_.header("Authorization");
  const bool bearer = given.size() > scheme.size() &&
                      std::ranges::equal(given.substr(0, scheme.size()), scheme, {},
                                         [](char c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; });
  if (bearer) return std::string(given.substr(scheme.size()));
  return request_.query_parameter("token").value_or("");
}

base::result<std::uint64_t> Exchange::number(std::string_view name, std::uint64_t fallback,
                                             std::uint64_t least, std::uint64_t most) const {
  const auto given = text(name, 32);
  if (!given) return base::fail(base::error(given.error()));
  if (!*given) return fallback;
  std::uint64_t out = 0;
  const char* const last = (*given)->data() + (*given)->size();
  const auto [end, ec] = std::from_chars((*given)->data(), last, out);
  if (ec != std::errc() || end != last || out < least || out > most) {
    return refuse_parameter(name, "must be a whole number from " + std::to_string(least) + " to " +
                                      std::to_string(most));
  }
  return out;
}

base::result<std::optional<std::string>> Exchange::text(std::string_view name,
                                                        std::size_t bytes_max) const {
  auto given = request_.query_parameter(name);
  if (!given) return given;
  if (given->size() > bytes_max) {
    return refuse_parameter(name, "is longer than " + std::to_string(bytes_max) + " bytes");
  }
  if (given->find('\0') != std::string::npos || !net::is_utf8(base::as_bytes(*given))) {
    return refuse_parameter(name, "is not UTF-8 text without NUL");
  }
  return given;
}

}  // namespace weft::gateway::http
