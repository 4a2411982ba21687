#include "weft/gateway/http/accept.h"

#include <algorithm>
#include <string>

namespace weft::gateway::http {

namespace {

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// Takes the part before the next `separator` off `rest`.
std::string_view take(std::string_view& rest, char separator) {
  const std::size_t end = std::min(rest.find(separator), rest.size());
  const auto part = trim(rest.substr(0, end));
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return part;
}

/// A quality in thousandths: "0.75" is 750; nothing of the kind: 1000.
int quality(std::string_view text) {
  if (text.empty() || (text[0] != '0' && text[0] != '1')) return 1000;
  int out = (text[0] - '0') * 1000;
  int unit = 100;
  for (std::size_t i = 2; i < text.size() && i < 5 && text[1] == '.'; ++i, unit /= 10) {
    if (text[i] < '0' || text[i] > '9') return 1000;
    out += (text[i] - '0') * unit;
  }
  return std::min(out, 1000);
}

/// How closely a media range fits a type: 0 not at all, 1 "*/*", 2 "text/*", 3 the type itself.
int closeness(std::string_view range, std::string_view type) {
  if (range == type) return 3;
  if (range == "*/*") return 1;
  if (range.ends_with("/*") && type.starts_with(range.substr(0, range.size() - 1))) return 2;
  return 0;
}

}  // namespace

bool is_octets(std::string_view type) {
  return type.empty() || type == media::octets || type == "application/x-www-form-urlencoded";
}

std::string media_type(std::string_view content_type) {
  std::string out(trim(content_type.substr(0, content_type.find(';'))));
  std::ranges::transform(out, out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return out;
}

std::optional<std::size_t> choose(std::string_view accept,
                                  std::span<const std::string_view> offered) {
  if (trim(accept).empty()) return 0;
  std::optional<std::size_t> best;
  int best_quality = 0;
  for (std::size_t i = 0; i < offered.size(); ++i) {
    int fit = 0;
    int wanted = 0;
    for (std::string_view rest = accept; !rest.empty();) {
      std::string_view range = take(rest, ',');
      const std::string type = media_type(take(range, ';'));
      const int close = closeness(type, offered[i]);
      if (close <= fit) continue;
      fit = close;
      wanted = 1000;
      while (!range.empty()) {
        const auto parameter = take(range, ';');
        if (parameter.starts_with("q=") || parameter.starts_with("Q=")) {
          wanted = quality(parameter.substr(2));
        }
      }
    }
    if (wanted > best_quality) {
      best = i;
      best_quality = wanted;
    }
  }
  return best;
}

}  // namespace weft::gateway::http
