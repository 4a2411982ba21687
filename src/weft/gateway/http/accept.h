#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace weft::gateway::http {

namespace media {
inline constexpr std::string_view json = "application/json";
inline constexpr std::string_view octets = "application/octet-stream";
inline constexpr std::string_view updates = "application/vnd.weft.updates";
inline constexpr std::string_view events = "text/event-stream";
inline constexpr std::string_view text = "text/plain";
inline constexpr std::string_view xml = "application/xml";
}  // namespace media

/// Which of `offered` a client wants most by its Accept header; the first of equals. None when it
/// takes none of them. An empty header takes anything; what is no media range is passed over.
/// Source: RFC 9110, section 12.5.1.
std::optional<std::size_t> choose(std::string_view accept,
                                  std::span<const std::string_view> offered);

/// "application/json" for "Application/JSON; charset=utf-8".
std::string media_type(std::string_view content_type);

/// Whether a body of this media type is bytes as they are. What clients that say nothing better
/// send too: nothing, or curl's default for a body.
bool is_octets(std::string_view type);

}  // namespace weft::gateway::http
