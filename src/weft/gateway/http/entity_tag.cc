#include "weft/gateway/http/entity_tag.h"

#include <algorithm>

namespace weft::gateway::http {

namespace {

std::unexpected<base::error> refuse(std::string why) {
  return std::unexpected(
      base::error{std::make_error_code(std::errc::invalid_argument), std::move(why)});
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

}  // namespace

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

hub::PublishCondition condition_of(const TagList& tags) {
  hub::PublishCondition out;
  out.any = tags.any;
  for (std::string_view tag : tags.strong) {
    tag = tag.substr(1, tag.size() - 2);
    tag = tag.substr(0, tag.find(';'));
    const auto version = parse_standing(tag);
    if (!version || !version->log) continue;
    out.ends.push_back({*version->log, version->end});
  }
  return out;
}

}  // namespace weft::gateway::http
