#include "weft/app/update_dump.h"

#include <array>
#include <bit>
#include <cmath>

#include "weft/yjs/structs.h"
#include "weft/yjs/update.h"

namespace weft::app {
namespace {

using yjs::Struct;

constexpr std::size_t value_characters_max = 60;

constexpr std::array kinds = {"gc",     "deleted", "json", "binary", "string", "embed",
                              "format", "type",    "any",  "doc",    "skip"};
constexpr std::array types = {"array",       "map",     "text",   "xmlElement",
                              "xmlFragment", "xmlHook", "xmlText"};

std::string text_of(base::byte_view bytes) { return std::string(base::as_text(bytes)); }

/// JSON text; what JSON parsers refuse (half a surrogate pair, `undefined`) stays text.
ordered_json parsed(base::byte_view text) {
  constexpr bool throwing = false;
  auto value = ordered_json::parse(text.begin(), text.end(), nullptr, throwing);
  return value.is_discarded() ? ordered_json(text_of(text)) : value;
}

template <typename Int>
Int big_endian(base::byte_view bytes) {
  Int value = 0;
  for (const std::uint8_t b : bytes) value = static_cast<Int>(value << 8) | b;
  return value;
}

ordered_json integer(yjs::Reader& in) {
  const std::uint8_t first = in.byte();
  std::uint64_t magnitude = first & 0x3f;
  if ((first & 0x80) != 0) magnitude |= in.uint() << 6;
  const auto value = static_cast<std::int64_t>(magnitude);
  return (first & 0x40) != 0 ? -value : value;
}

/// One of lib0's `any`. JSON has no undefined, no bytes and no infinities: they are written as
/// null, Base64 and null. Nesting is bounded because the update was validated.
ordered_json any(yjs::Reader& in) {
  enum tag : std::uint8_t { bytes = 116, array, object, string, yes, no, bigint, f64, f32, number };
  switch (in.byte()) {
    case bytes:
      return to_base64(in.bytes());
    case array: {
      ordered_json out = ordered_json::array();
      for (std::uint64_t count = in.uint(); count > 0; --count) out.push_back(any(in));
      return out;
    }
    case object: {
      ordered_json out = ordered_json::object();
      for (std::uint64_t count = in.uint(); count > 0; --count) {
        const std::string key = text_of(in.bytes());
        out[key] = any(in);
      }
      return out;
    }
    case string:
      return text_of(in.bytes());
    case yes:
      return true;
    case no:
      return false;
    case bigint:
      return std::bit_cast<std::int64_t>(big_endian<std::uint64_t>(in.take(8)));
    case f64:
      return std::bit_cast<double>(big_endian<std::uint64_t>(in.take(8)));
    case f32:
      return std::bit_cast<float>(big_endian<std::uint32_t>(in.take(4)));
    case number:
      return integer(in);
    default:
      return nullptr;
  }
}

ordered_json content_of(const Struct& s) {
  yjs::Reader in({s.content, s.end});
  switch (s.ref()) {
    case yjs::string_ref:
      return text_of(in.bytes());
    case yjs::binary_ref:
      return to_base64(in.bytes());
    case yjs::embed_ref:
      return parsed(in.bytes());
    case yjs::format_ref: {
      const std::string key = text_of(in.bytes());
      return ordered_json{{key, parsed(in.bytes())}};
    }
    case yjs::type_ref: {
      ordered_json out{{"type", types.at(in.uint())}};
      if (in.left() > 0) out["name"] = text_of(in.bytes());
      return out;
    }
    case yjs::any_ref:
    case yjs::json_ref: {
      ordered_json out = ordered_json::array();
      for (std::uint64_t count = in.uint(); count > 0; --count) {
        out.push_back(s.ref() == yjs::any_ref ? any(in) : parsed(in.bytes()));
      }
      return out;
    }
    case yjs::doc_ref: {
      ordered_json out{{"guid", text_of(in.bytes())}};
      out["options"] = any(in);
      return out;
    }
    default:
      return nullptr;
  }
}

ordered_json id_of(yjs::Id id) { return ordered_json::array({id.client, id.clock}); }

void add_position(const Struct& s, ordered_json& out) {
  if (s.has_origin()) out["origin"] = id_of(s.origin);
  if (s.has_right_origin()) out["rightOrigin"] = id_of(s.right_origin);
  if (s.has_origin() || s.has_right_origin()) return;
  yjs::Reader in({s.begin + 1, s.content});
  if (in.uint() == 1) {
    out["parent"] = text_of(in.bytes());
  } else {
    out["parent"] = id_of({in.uint(), in.uint()});
  }
  if ((s.info & yjs::parent_sub_bit) != 0) out["key"] = text_of(in.bytes());
}

ordered_json struct_of(const Struct& s) {
  ordered_json out{{"clock", s.clock}, {"length", s.length}, {"kind", kinds.at(s.ref())}};
  if (!s.is_item()) return out;
  add_position(s, out);
  if (s.is_live()) out["content"] = content_of(s);
  return out;
}

/// As JSON; bytes that are not UTF-8 cannot occur, since the update was validated.
std::string compact_text(const ordered_json& value) { return value.dump(); }

std::string id_text(const ordered_json& id) {
  return std::to_string(id[0].get<std::uint64_t>()) + ":" +
         std::to_string(id[1].get<std::uint64_t>());
}

std::string struct_line(const ordered_json& s) {
  std::string out = "  " + std::to_string(s["clock"].get<std::uint64_t>()) + "+" +
                    std::to_string(s["length"].get<std::uint64_t>()) + " " +
                    s["kind"].get<std::string>();
  if (s.contains("content")) {
    out += " " + shortened(compact_text(s["content"]), value_characters_max);
  }
  if (s.contains("origin")) out += "  after " + id_text(s["origin"]);
  if (s.contains("rightOrigin")) out += "  before " + id_text(s["rightOrigin"]);
  if (s.contains("parent")) {
    const auto& parent = s["parent"];
    out += "  in " + (parent.is_string() ? shortened(compact_text(parent), value_characters_max)
                                         : id_text(parent));
  }
  if (s.contains("key")) out += "  key " + shortened(compact_text(s["key"]), value_characters_max);
  return out + "\n";
}

std::string counted(const ordered_json& number, const char* what) {
  const auto count = number.get<std::uint64_t>();
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

}  // namespace

base::result<ordered_json> dump_update(base::byte_view update) {
  if (const auto valid = yjs::validate(update); !valid) return std::unexpected(valid.error());
  std::uint64_t items = 0, deleted = 0, gcs = 0, skips = 0;
  ordered_json clients = ordered_json::array();
  yjs::StructReader reader(update);
  Struct s;
  while (reader.next_section()) {
    ordered_json structs = ordered_json::array();
    while (reader.structs_left() > 0 && reader.next(s)) {
      structs.push_back(struct_of(s));
      ++(s.is_gc() ? gcs : s.is_skip() ? skips : s.is_live() ? items : deleted);
    }
    clients.push_back({{"client", reader.client()}, {"structs", std::move(structs)}});
  }
  ordered_json deletions = ordered_json::array();
  yjs::read_deletions(reader.in(), [&](yjs::client_id client, yjs::clock_range range) {
    if (deletions.empty() || deletions.back()["client"] != client) {
      deletions.push_back({{"client", client}, {"ranges", ordered_json::array()}});
    }
    deletions.back()["ranges"].push_back({range.start, range.end});
  });
  return ordered_json{{"format", "update v1"},
                      {"bytes", update.size()},
                      {"structs", items + deleted + gcs + skips},
                      {"items", items},
                      {"deleted", deleted},
                      {"gcs", gcs},
                      {"skips", skips},
                      {"clients", std::move(clients)},
                      {"deletions", std::move(deletions)}};
}

std::string lines_of(const ordered_json& update) {
  std::string out = update["format"].get<std::string>() + ", " + counted(update["bytes"], "byte") +
                    ": " + counted(update["structs"], "struct") + " of " +
                    counted(update["clients"].size(), "client") + " (" +
                    counted(update["items"], "item") + ", " +
                    std::to_string(update["deleted"].get<std::uint64_t>()) + " deleted, " +
                    counted(update["gcs"], "GC") + ", " + counted(update["skips"], "Skip") + ")\n";
  for (const auto& client : update["clients"]) {
    out += "client " + std::to_string(client["client"].get<std::uint64_t>()) + "\n";
    for (const auto& s : client["structs"]) out += struct_line(s);
  }
  for (const auto& entry : update["deletions"]) {
    out += "deletes of " + std::to_string(entry["client"].get<std::uint64_t>()) + ":";
    for (const auto& range : entry["ranges"]) {
      const auto from = range[0].get<std::uint64_t>();
      out +=
          " " + std::to_string(from) + "+" + std::to_string(range[1].get<std::uint64_t>() - from);
    }
    out += "\n";
  }
  return out;
}

std::string shortened(const std::string& text, std::size_t characters_max) {
  std::size_t characters = 0;
  std::size_t cut = text.size();
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool starts = (static_cast<std::uint8_t>(text[i]) & 0xc0) != 0x80;
    if (starts && characters++ == characters_max) cut = i;
  }
  if (cut == text.size()) return text;
  return text.substr(0, cut) + "… (" + std::to_string(characters - characters_max) + " more)";
}

namespace {

constexpr std::string_view alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int sextet_of(char c) {
  if (c == '-') c = '+';
  if (c == '_') c = '/';
  const std::size_t at = alphabet.find(c);
  return at == std::string_view::npos ? -1 : static_cast<int>(at);
}

}  // namespace

std::string to_base64(base::byte_view bytes) {
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t word = 0;
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
    for (std::size_t k = 0; k < 3; ++k) word = (word << 8) | (k < count ? bytes[i + k] : 0u);
    for (std::size_t k = 0; k < 4; ++k) {
      out += k <= count ? alphabet[(word >> (18 - 6 * k)) & 63] : '=';
    }
  }
  return out;
}

bool from_base64(std::string_view text, base::byte_vector& out) {
  std::uint32_t word = 0;
  unsigned bits = 0;
  bool padded = false;
  for (const char c : text) {
    if (c == ' ' || c == '\n' || c == '\r' || c == '\t') continue;
    if (c == '=') {
      padded = true;
      continue;
    }
    const int sextet = sextet_of(c);
    if (sextet < 0 || padded) return false;
    word = (word << 6) | static_cast<std::uint32_t>(sextet);
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      out.push_back(static_cast<std::uint8_t>(word >> bits));
    }
  }
  return bits < 6;
}

}  // namespace weft::app
