#include "weft/gateway/version.h"

#include <charconv>

namespace weft::gateway {

namespace {

constexpr std::size_t log_digits = 16;

template <typename Number>
bool parse_number(std::string_view text, Number& out, int radix) {
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), out, radix);
  return ec == std::errc() && end == text.data() + text.size();
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

base::result<Standing> parse_standing(std::string_view text) {
  constexpr std::string_view none = "none";
  const bool nothing = text.starts_with("none@");
  const auto version =
      parse_version(nothing ? "0" + std::string(text.substr(none.size())) : std::string(text));
  if (!version) return base::fail(base::error(version.error()));
  if (version->offset.value == UINT64_MAX) {
    return std::unexpected(base::error{std::make_error_code(std::errc::invalid_argument),
                                       "there is no version as high as that"});
  }
  return Standing{{nothing ? 0 : version->offset.value + 1}, version->log};
}

base::result<hub::VersionName> parse_version(std::string_view text) {
  const auto wrong = [&] {
    return std::unexpected(
        base::error{std::make_error_code(std::errc::invalid_argument),
                    "a version is a number, as 42, or one with the name of its log, as 42@" +
                        std::string(log_digits, '0')});
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

}  // namespace weft::gateway
