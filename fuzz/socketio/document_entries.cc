#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

#include "entries.h"
#include "weft/base/result.h"
#include "weft/gateway/document_name.h"
#include "weft/gateway/socketio/handshake.h"
#include "weft/gateway/socketio/port_request.h"
#include "weft/net/websocket_frame.h"

namespace weft::fuzz {
namespace {

using namespace gateway::socketio;

void check_names(const Handshake& said) {
  for (const auto* name : {&said.room_id, &said.doc_id, &said.subdoc_id}) {
    WEFT_CHECK(!*name || gateway::check_name(**name, "name"));
  }
  WEFT_CHECK(!said.doc_id || said.room_id);
  WEFT_CHECK(!said.subdoc_id || said.doc_id);
  const auto document = said.document();
  WEFT_CHECK(!document || said.admits(*document));
}

}  // namespace

void handshake(base::byte_view input) {
  const std::string_view text = base::as_text(input);
  const auto line_end = std::min(text.find('\n'), text.size());
  net::HttpRequest request;
  request.target = "/socket.io/?" + std::string(text.substr(0, line_end));
  auto from_query = read_query(request);
  if (!from_query) return;
  check_names(*from_query);
  const auto rest = text.substr(std::min(line_end + 1, text.size()));
  // As the packet decoder bounds it: nothing else reads this.
  if (std::ranges::count_if(rest, [](char c) { return c == '[' || c == '{'; }) > 64) return;
  const auto said = nlohmann::json::parse(rest, nullptr, false);
  if (said.is_discarded()) return;
  const auto whole = read_auth(*from_query, said);
  if (!whole) return;
  check_names(*whole);
  const auto asked = read_request(*whole, said);
  if (!asked) return;
  WEFT_CHECK(gateway::check_name(asked->document.room_id, "room"));
  WEFT_CHECK(gateway::check_name(asked->document.doc_id, "document"));
}

void message(base::byte_view input) {
  const auto read = read_message(7, base::shared_bytes::copy_of(input));
  if (!read) {
    WEFT_CHECK(read.error().code == "bad-envelope" &&
               net::is_utf8(base::as_bytes(read.error().message)));
    return;
  }
  WEFT_CHECK(base::equal(read->request.bytes, input));
  WEFT_CHECK(!read->document.room_id.empty() && !read->document.doc_id.empty());
  const auto parts = weft::protocol::split_envelope(input);
  WEFT_CHECK(parts && parts->payload.data() + parts->payload.size() == input.data() + input.size());
}

}  // namespace weft::fuzz
