#include "weft/gateway/document_name.h"

#include "weft/net/http.h"
#include "weft/net/websocket_frame.h"

namespace weft::gateway {

namespace {

std::unexpected<base::error> refuse(std::string why) {
  return base::fail(std::errc::invalid_argument, std::move(why));
}

std::string percent_encode(std::string_view name) {
  static constexpr char digits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
                       (byte >= 'A' && byte <= 'Z') || c == '-' || c == '_' || c == '.' || c == '~';
    if (plain) {
      out += c;
    } else {
      out += {'%', digits[byte >> 4], digits[byte & 15]};
    }
  }
  return out;
}

/// Of `/room/doc` or `/<name>`.
base::result<base::DocumentId> document_of_path(std::string_view path) {
  if (!path.starts_with('/')) return refuse("the path must start with a slash");
  path.remove_prefix(1);
  const auto slash = path.find('/');
  if (slash == std::string_view::npos) {
    // A client that encodes its whole name sends the slash as %2F.
    auto name = decode_name(path, "document name");
    if (!name) return base::fail(std::move(name.error()));
    return document_of_name(*name);
  }
  base::DocumentId out;
  auto room = decode_name(path.substr(0, slash), "room name");
  if (!room) return base::fail(std::move(room.error()));
  auto doc = decode_name(path.substr(slash + 1), "document name");
  if (!doc) return base::fail(std::move(doc.error()));
  out.room_id = std::move(*room);
  out.doc_id = std::move(*doc);
  return out;
}

base::result<base::DocumentId> document_of_parts(std::string_view path,
                                                 const net::HttpRequest& request) {
  auto document = document_of_path(path);
  if (!document) return document;
  if (auto ok = take_subdocument(request, *document); !ok) return base::fail(std::move(ok.error()));
  return document;
}

}  // namespace

base::result<void> check_name(std::string_view name, const char* what) {
  if (name.empty()) return refuse(std::string(what) + " is empty");
  if (name.size() > base::document_name_bytes_max) {
    return refuse(std::string(what) + " is longer than " +
                  std::to_string(base::document_name_bytes_max) + " bytes");
  }
  if (name.contains('\0') || !net::is_utf8(base::as_bytes(name))) {
    return refuse(std::string(what) + " is not UTF-8 text without NUL");
  }
  return {};
}

base::result<std::string> decode_name(std::string_view encoded, const char* what) {
  auto decoded = net::percent_decode(encoded);
  if (!decoded) return refuse(std::string(what) + ": a % needs two hexadecimal digits behind it");
  if (auto ok = check_name(*decoded, what); !ok) return base::fail(std::move(ok.error()));
  return std::move(*decoded);
}

base::result<base::DocumentId> document_of_name(std::string_view name) {
  base::DocumentId out{std::string(default_room), std::string(name), {}};
  if (const auto slash = name.find('/'); slash != std::string_view::npos) {
    out.room_id = name.substr(0, slash);
    out.doc_id = name.substr(slash + 1);
  }
  if (auto ok = check_name(out.room_id, "room name"); !ok) return base::fail(std::move(ok.error()));
  if (auto ok = check_name(out.doc_id, "document name"); !ok)
    return base::fail(std::move(ok.error()));
  return out;
}

base::result<void> take_subdocument(const net::HttpRequest& request, base::DocumentId& document) {
  // A parameter that cannot be read must not mean the document around it.
  if (!net::percent_decode(request.query())) {
    return refuse("the query: a % needs two hexadecimal digits behind it");
  }
  auto name = request.query_parameter("subdocument");
  if (!name) return {};
  if (auto ok = check_name(*name, "subdocument name"); !ok) return ok;
  document.subdoc_id = std::move(*name);
  return {};
}

base::result<base::DocumentId> document_of_request(const net::HttpRequest& request) {
  auto path = request.path();
  if (path.starts_with("/ws/")) path.remove_prefix(3);
  return document_of_parts(path, request);
}

base::result<base::DocumentId> document_of_address(std::string_view address) {
  net::HttpRequest request;
  request.target.append("/").append(address);
  return document_of_parts(request.path(), request);
}

DocumentAddress address_of(const base::DocumentId& document) {
  DocumentAddress out{percent_encode(document.room_id) + "/" + percent_encode(document.doc_id), {}};
  if (document.subdoc_id) out.query = "subdocument=" + percent_encode(*document.subdoc_id);
  return out;
}

}  // namespace weft::gateway
