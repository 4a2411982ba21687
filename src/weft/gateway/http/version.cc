#include "weft/gateway/http/version.h"

#include <algorithm>
#include <charconv>

namespace weft::gateway::http {

namespace {

constexpr std::size_t log_digits = 16;

std::unexpected<base::error> refuse(std::string why) {
  return std::unexpected(
      base::error{std::make_error_code(std::errc::invalid_argument), std::move(why)});
}

template <typename Number>
bool parse_number(std::string_view text, Number& out, int radix) {
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), out, radix);
  return ec == std::errc() && end == text.data() + text.size();
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

}  // namespace

std::string log_name(base::log_identity log) {
  std::string out(log_digits, '0');
  for (std::size_t i = 0; i < log_digits; ++i) {
    out[log_digits - 1 - i] = "0123456789abcdef"[(log.value >> (4 * i)) & 15];
  }
  return out;
}

std::string version_name(std::optional<base::log_offset> version, base::log_identity log) {
  return (version ? std::to_string(version->value) : "none") + "@" + log_name(log);
}

base::result<hub::VersionName> parse_version(std::string_view text) {
  const auto wrong = [&] {
    return refuse("a version is a number, as 42, or one with the name of its log, as 42@" +
                  std::string(log_digits, '0'));
  };
  hub::VersionName out;
  const std::size_t at = text.find('@');
  if (!parse_number(text.substr(0, at), out.offset.value, 10)) return wrong();
  if (at == std::string_view::npos) return out;
  const auto log = text.substr(at + 1);
  base::log_identity id;
  if (log.size() != log_digits || !parse_number(log, id.value, 16)) return wrong();
  out.log = id;
  return out;
}

std::string entity_tag(std::optional<base::log_offset> version, base::log_identity log,
                       std::string_view representation) {
  std::string out = "\"" + version_name(version, log);
  if (!representation.empty()) out.append(";").append(representation);
  return out + "\"";
}

base::result<TagList> parse_tags(std::string_view header) {
  TagList out;
  header = trim(header);
  if (header == "*") {
    out.any = true;
    return out;
  }
  while (!header.empty()) {
    const bool weak = header.starts_with("W/");
    if (weak) header.remove_prefix(2);
    const std::size_t end = header.starts_with('"') ? header.find('"', 1) : std::string_view::npos;
    if (end == std::string_view::npos) {
      return refuse("an entity tag stands in quotes, as \"42@0123456789abcdef\"");
    }
    (weak ? out.weak : out.strong).emplace_back(header.substr(0, end + 1));
    header = trim(header.substr(end + 1));
    if (header.empty()) break;
    if (header.front() != ',') return refuse("entity tags are separated by commas");
    header = trim(header.substr(1));
  }
  if (out.strong.empty() && out.weak.empty()) return refuse("there is no entity tag in it");
  return out;
}

base::result<std::optional<TagList>> tags_of(const net::HttpRequest& request,
                                             std::string_view name) {
  std::optional<std::string> all;
  for (const auto& header : request.headers) {
    if (!header.is(name)) continue;
    all = all ? *all + ", " + header.value : header.value;
  }
  if (!all) return std::nullopt;
  auto tags = parse_tags(*all);
  if (!tags) return refuse(std::string(name) + ": " + tags.error().message);
  return std::move(*tags);
}

bool is_known(const TagList& tags, std::string_view tag) {
  return tags.any || std::ranges::find(tags.strong, tag) != tags.strong.end() ||
         std::ranges::find(tags.weak, tag) != tags.weak.end();
}

hub::PublishCondition condition_of(const TagList& tags, base::log_identity log) {
  hub::PublishCondition out;
  out.any = tags.any;
  for (std::string_view tag : tags.strong) {
    tag = tag.substr(1, tag.size() - 2);
    tag = tag.substr(0, tag.find(';'));
    if (tag == version_name(std::nullopt, log)) {
      out.ends.push_back({0});
      continue;
    }
    const auto version = parse_version(tag);
    if (version && version->log == log) out.ends.push_back({version->offset.value + 1});
  }
  return out;
}

}  // namespace weft::gateway::http
