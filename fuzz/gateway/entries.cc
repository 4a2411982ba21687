#include "entries.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <ranges>
#include <string>
#include <vector>

#include "weft/base/result.h"
#include "weft/gateway/base64.h"
#include "weft/gateway/cors.h"
#include "weft/gateway/document_name.h"
#include "weft/gateway/http/accept.h"
#include "weft/gateway/http/entity_tag.h"
#include "weft/gateway/http/routes.h"
#include "weft/gateway/http/updates_body.h"
#include "weft/gateway/version.h"

namespace weft::fuzz {
namespace {

using namespace gateway;

using updates = std::vector<base::shared_bytes>;

constexpr base::log_identity some_log{0xabc7};

/// The one encoding of RFC 4648, section 4, of which `text` is a spelling.
std::string standard_spelling(std::string text) {
  std::ranges::replace(text, '-', '+');
  std::ranges::replace(text, '_', '/');
  while (text.ends_with('=')) text.pop_back();
  text.append((4 - text.size() % 4) % 4, '=');
  return text;
}

bool same(const updates& a, const updates& b) {
  return std::ranges::equal(a, b, [](const auto& x, const auto& y) { return base::equal(x, y); });
}

void check_encodings(const updates& read, std::size_t count_max) {
  base::byte_vector framed;
  nlohmann::json list = nlohmann::json::array();
  for (const auto& update : read) {
    http::append_framed(update, framed);
    list.push_back(to_base64(update));
  }
  const auto cut = http::cut_framed(base::shared_bytes::adopt(std::move(framed)), count_max);
  WEFT_CHECK(cut && same(*cut, read));
  const auto text = nlohmann::json{{"before", {1, "x"}}, {"updates", std::move(list)}}.dump();
  const auto parsed = http::read_json(base::as_bytes(text), count_max);
  WEFT_CHECK(parsed && same(*parsed, read));
}

std::string percent_encode(std::string_view text) {
  constexpr char digits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<std::uint8_t>(c);
    out += {'%', digits[byte >> 4], digits[byte & 15]};
  }
  return out;
}

void check_path(const net::HttpRequest& request) {
  const auto target = http::find_target(request.path());
  const auto path = target ? target->path : target.error().path;
  if (path.empty()) return;
  WEFT_CHECK(!http::methods_of(path).empty());
  if (!target || !path.starts_with("/v1/documents/{")) return;
  std::string again(path);
  const auto fill = [&again](std::string_view name, const std::string& value) {
    if (const auto at = again.find(name); at != std::string::npos) {
      again.replace(at, name.size(), percent_encode(value));
    }
  };
  fill("{room}", target->document.room_id);
  fill("{document}", target->document.doc_id);
  fill("{version}", target->version);
  const auto same_target = http::find_target(again);
  // An empty version names none, and is no part of a path that is written out.
  if (target->version.empty() && path.find("{version}") != std::string_view::npos) return;
  WEFT_CHECK(same_target && same_target->path == path);
  WEFT_CHECK(same_target->document == target->document && same_target->version == target->version);
}

void check_version(std::string_view text) {
  const auto version = parse_version(text);
  if (!version) return;
  const auto log = version->log.value_or(some_log);
  const auto again = parse_version(version_name(version->offset, log));
  WEFT_CHECK(again && again->offset == version->offset && again->log == log);
  const auto standing = parse_standing(text);
  WEFT_CHECK(!standing || standing->end.value == version->offset.value + 1);
}

void check_tags(const net::HttpRequest& request) {
  const auto tags = http::tags_of(request, "If-Match");
  if (!tags || !*tags) return;
  WEFT_CHECK((*tags)->any || !(*tags)->strong.empty() || !(*tags)->weak.empty());
  for (const auto& tag : (*tags)->strong) WEFT_CHECK(http::is_known(**tags, tag));
  const auto condition = http::condition_of(**tags);
  WEFT_CHECK(condition.any == (*tags)->any && condition.ends.size() <= (*tags)->strong.size());
}

}  // namespace

void base64(base::byte_view input) {
  const auto encoded = to_base64(input);
  const auto back = from_base64(encoded);
  WEFT_CHECK(back && base::equal(*back, input));
  const std::string text(base::as_text(input));
  if (const auto decoded = from_base64(text)) {
    WEFT_CHECK(to_base64(*decoded) == standard_spelling(text));
  }
}

void updates_body(base::byte_view input) {
  if (input.empty()) return;
  const std::size_t count_max = 1 + input[0] / 2;
  const bool framed = (input[0] & 1) != 0;
  const auto body = base::shared_bytes::copy_of(input.subspan(1));
  const auto read = framed ? http::cut_framed(body, count_max) : http::read_json(body, count_max);
  if (!read) {
    WEFT_CHECK(!read.error().message.empty());
    return;
  }
  WEFT_CHECK(read->size() <= count_max);
  std::size_t bytes = 0;
  for (const auto& update : *read) bytes += update.size();
  WEFT_CHECK(bytes <= body.size());
  check_encodings(*read, count_max);
}

void request(base::byte_view input) {
  net::HttpRequest request;
  for (const auto line : std::views::split(base::as_text(input), '\n')) {
    const std::string_view text(line.begin(), line.end());
    if (request.target.empty()) {
      request.target = text;
      continue;
    }
    const auto colon = std::min(text.find(':'), text.size());
    request.headers.push_back({std::string(text.substr(0, colon)),
                               std::string(text.substr(std::min(colon + 1, text.size())))});
  }
  check_path(request);
  if (const auto document = document_of_request(request)) {
    const auto again = document_of_address(address_of(*document).text());
    WEFT_CHECK(again && *again == *document);
  }
  for (const char* name :
       {"at", "since", "sv", "format", "limit", "root", "sender", "after", "subdocument"}) {
    const auto value = request.query_parameter(name);
    if (!value) continue;
    check_version(*value);
    if (const auto bytes = from_base64(*value)) WEFT_CHECK(bytes->size() <= value->size());
  }
  check_tags(request);
  constexpr std::string_view offered[] = {http::media::json, http::media::octets};
  const auto chosen = http::choose(request.header("Accept"), offered);
  WEFT_CHECK(!chosen || *chosen < std::size(offered));
  WEFT_CHECK(http::media_type(request.header("Content-Type")).find(';') == std::string::npos);
  static const Cors cors("https://friend.example");
  net::HttpResponse response;
  cors.add_headers(request, response);
  WEFT_CHECK(request.header("Origin").empty() || cors.may_change(request) ||
             request.header("Origin") != "https://friend.example");
}

}  // namespace weft::fuzz
