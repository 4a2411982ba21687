#include "weft/gateway/socketio/handshake.h"

#include <nlohmann/json.hpp>

#include "weft/gateway/document_name.h"
#include "weft/gateway/version.h"
#include "weft/hub/authorizer.h"

namespace weft::gateway::socketio {

namespace {

using nlohmann::json;

std::unexpected<base::error> refuse(std::string why) {
  return base::fail(std::errc::invalid_argument, std::move(why));
}

/// Takes a name over, if there is one.
base::result<void> take_name(std::optional<std::string> name, const char* what,
                             std::optional<std::string>& out) {
  if (!name) return {};
  if (auto ok = check_name(*name, what); !ok) return base::fail(std::move(ok.error()));
  out = std::move(name);
  return {};
}

/// The text member `key`; none when it is missing or null. Errors: it is something else.
base::result<std::optional<std::string>> text_member(const json& object, const char* key) {
  const auto it = object.find(key);
  if (it == object.end() || it->is_null()) return std::nullopt;
  if (!it->is_string()) return refuse(std::string(key) + " must be a string");
  return it->get<std::string>();
}

base::result<std::optional<hub::VersionName>> version_member(const json& object) {
  const auto it = object.find("version");
  if (it == object.end() || it->is_null()) return std::nullopt;
  if (it->is_number_unsigned()) return hub::VersionName{{it->get<std::uint64_t>()}, {}};
  if (!it->is_string()) return refuse("version must be a number or a string");
  auto version = parse_version(it->get_ref<const std::string&>());
  if (!version) return base::fail(std::move(version.error()));
  return *version;
}

base::result<void> take_names(const json& object, Handshake& out) {
  struct Name {
    const char* key;
    std::optional<std::string>& to;
  };
  for (const Name& name :
       {Name{"roomId", out.room_id}, Name{"docId", out.doc_id}, Name{"subdocId", out.subdoc_id}}) {
    auto text = text_member(object, name.key);
    if (!text) return base::fail(std::move(text.error()));
    if (auto ok = take_name(std::move(*text), name.key, name.to); !ok) return ok;
  }
  return {};
}

/// A part needs the whole that it is a part of, and what is kept is bounded.
base::result<Handshake> whole(Handshake said) {
  if (said.sender_id.size() > sender_bytes_max) {
    return refuse("senderId has more than " + std::to_string(sender_bytes_max) + " bytes");
  }
  if (said.token.size() > hub::token_bytes_max) {
    return refuse("token has more than " + std::to_string(hub::token_bytes_max) + " bytes");
  }
  if (said.doc_id && !said.room_id) return refuse("docId needs a roomId");
  if (said.subdoc_id && !said.doc_id) return refuse("subdocId needs a docId");
  return said;
}

}  // namespace

std::optional<base::DocumentId> Handshake::document() const {
  if (!room_id || !doc_id) return std::nullopt;
  return base::DocumentId{*room_id, *doc_id, subdoc_id};
}

bool Handshake::admits(const base::DocumentId& document) const {
  return (!room_id || *room_id == document.room_id) && (!doc_id || *doc_id == document.doc_id) &&
         (!subdoc_id || subdoc_id == document.subdoc_id);
}

base::result<Handshake> read_query(const net::HttpRequest& request) {
  Handshake out;
  for (auto [key, to] : {std::pair{"roomId", &out.room_id}, std::pair{"docId", &out.doc_id},
                         std::pair{"subdocId", &out.subdoc_id}}) {
    if (auto ok = take_name(request.query_parameter(key), key, *to); !ok) {
      return base::fail(std::move(ok.error()));
    }
  }
  out.sender_id = request.query_parameter("senderId").value_or("");
  out.token = request.query_parameter("token").value_or("");
  if (const auto version = request.query_parameter("version"); version && !version->empty()) {
    auto parsed = parse_version(*version);
    if (!parsed) return base::fail(std::move(parsed.error()));
    out.version = *parsed;
  }
  return whole(std::move(out));
}

base::result<Handshake> read_auth(Handshake from_query, const json& auth) {
  Handshake out = std::move(from_query);
  if (auth.is_null()) return out;
  if (!auth.is_object()) return refuse("auth must be an object");
  if (auto ok = take_names(auth, out); !ok) return base::fail(std::move(ok.error()));
  for (auto [key, to] : {std::pair{"senderId", &out.sender_id}, std::pair{"token", &out.token}}) {
    auto text = text_member(auth, key);
    if (!text) return base::fail(std::move(text.error()));
    if (*text) *to = std::move(**text);
  }
  auto version = version_member(auth);
  if (!version) return base::fail(std::move(version.error()));
  if (*version) out.version = *version;
  return whole(std::move(out));
}

base::result<DocumentRequest> read_request(const Handshake& handshake, const json& said) {
  if (!said.is_object()) return refuse("the first argument must be an object");
  Handshake names{handshake.room_id, handshake.doc_id, handshake.subdoc_id, {}, {}, {}};
  if (auto ok = take_names(said, names); !ok) return base::fail(std::move(ok.error()));
  auto document = names.document();
  if (!document) return refuse("roomId and docId are needed, here or in the handshake");
  auto version = version_member(said);
  if (!version) return base::fail(std::move(version.error()));
  // What the handshake knew is about its own document.
  const bool own = document == handshake.document();
  if (!*version && own && !said.contains("version")) *version = handshake.version;
  return DocumentRequest{std::move(*document), *version};
}

}  // namespace weft::gateway::socketio
