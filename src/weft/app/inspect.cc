#include "weft/app/inspect.h"

#include <fstream>
#include <iterator>

#include "weft/app/update_dump.h"
#include "weft/base/errc_category.h"
#include "weft/crdt/reader.h"
#include "weft/protocol/envelope.h"
#include "weft/yjs/lib0.h"
#include "weft/yjs/sync_protocol.h"
#include "weft/yjs/update.h"

namespace weft::app {
namespace {

constexpr int exit_failed = 1;

std::unexpected<base::error> unreadable(std::string message) {
  return base::fail(inspect_errc::unreadable, std::move(message));
}

base::result<ordered_json> dump_state_vector(base::byte_view bytes) {
  yjs::Reader in(bytes);
  ordered_json clocks = ordered_json::array();
  for (std::uint64_t count = in.uint(); count > 0 && in.ok(); --count) {
    const std::uint64_t client = in.uint();
    clocks.push_back({{"client", client}, {"clock", in.uint()}});
  }
  if (!in.ok()) return unreadable("the state vector ends in the middle of a number");
  return clocks;
}

base::result<ordered_json> dump_awareness(base::byte_view bytes) {
  const auto entries = yjs::decode_awareness(bytes);
  if (!entries) return std::unexpected(entries.error());
  ordered_json out = ordered_json::array();
  for (const yjs::AwarenessEntry& entry : *entries) {
    out.push_back({{"client", entry.client}, {"clock", entry.clock}, {"state", entry.state}});
  }
  return out;
}

/// One part of a payload, under the name of what it is.
base::result<void> add_message(const yjs::ProtocolMessage& message, ordered_json& out) {
  const auto put = [&](const char* kind, const char* name, base::result<ordered_json> value) {
    if (!value) return base::result<void>(std::unexpected(value.error()));
    out.push_back({{"message", kind}, {name, std::move(*value)}});
    return base::result<void>();
  };
  switch (message.type) {
    case yjs::message_type::awareness:
      return put("awareness", "states", dump_awareness(message.body));
    case yjs::message_type::query_awareness:
      return put("query awareness", "states", ordered_json::array());
    case yjs::message_type::auth:
      return put("auth", "reason", ordered_json(base::as_text(message.body)));
    case yjs::message_type::sync:
      break;
  }
  if (message.sync == yjs::sync_type::step1) {
    return put("sync step 1", "stateVector", dump_state_vector(message.body));
  }
  return put(message.sync == yjs::sync_type::step2 ? "sync step 2" : "sync update", "update",
             dump_update(message.body));
}

/// `update` is left at the last update among the messages.
base::result<ordered_json> dump_envelope(base::byte_view bytes, base::byte_view& update) {
  const auto parts = protocol::split_envelope(bytes);
  if (!parts) return std::unexpected(parts.error());
  const auto metadata = protocol::decode_metadata(parts->metadata);
  if (!metadata) return std::unexpected(metadata.error());
  ordered_json messages = ordered_json::array();
  for (base::byte_view rest = parts->payload; !rest.empty();) {
    std::size_t consumed = 0;
    const auto message = yjs::decode_message(rest, consumed);
    if (!message) return unreadable("the payload: " + message.error().message);
    if (const auto added = add_message(*message, messages); !added) {
      return unreadable("the payload: " + added.error().message);
    }
    const bool carries =
        message->type == yjs::message_type::sync && message->sync != yjs::sync_type::step1;
    if (carries) update = message->body;
    rest = rest.subspan(consumed);
  }
  return ordered_json{
      {"format", "envelope"},
      {"bytes", bytes.size()},
      {"metadata", ordered_json::parse(parts->metadata.begin(), parts->metadata.end())},
      {"payload", std::move(messages)}};
}

std::string lines_of_envelope(const ordered_json& envelope) {
  std::string out = "envelope, " + std::to_string(envelope["bytes"].get<std::uint64_t>()) +
                    " bytes: " + envelope["metadata"].dump() + "\n";
  for (const auto& message : envelope["payload"]) {
    out += message["message"].get<std::string>() + ": ";
    if (message.contains("update")) {
      out += lines_of(message["update"]);
    } else {
      for (const auto& [name, value] : message.items()) {
        if (name != "message") out += value.dump() + "\n";
      }
    }
  }
  return out;
}

}  // namespace

const char* describe(inspect_errc) { return "the bytes are nothing that can be inspected"; }

std::error_code make_error_code(inspect_errc code) {
  static const base::errc_category<inspect_errc> category("weft.inspect");
  return {static_cast<int>(code), category};
}

base::result<std::string> inspect(base::byte_view bytes, const InspectOptions& options) {
  base::byte_vector decoded;
  if (options.base64) {
    if (!from_base64(base::as_text(bytes), decoded)) return unreadable("this is not Base64");
    bytes = decoded;
  }
  base::byte_view update = bytes;
  bool is_envelope = false;
  auto dump = dump_update(bytes);
  if (!dump) {
    const std::string why = dump.error().message;
    update = {};
    is_envelope = true;
    dump = dump_envelope(bytes, update);
    if (!dump) {
      return unreadable("this is neither a Yjs update of format v1 (" + why +
                        ") nor an envelope (" + dump.error().message + ")");
    }
  }
  std::string content;
  if (options.content) {
    auto shown = crdt::read_json(update.empty() ? yjs::empty_update() : update);
    if (!shown) return base::fail(std::move(shown.error()));
    content = std::move(*shown);
  }
  if (options.json) {
    if (options.content) (*dump)["content"] = ordered_json::parse(content);
    return dump->dump() + "\n";
  }
  std::string out = is_envelope ? lines_of_envelope(*dump) : lines_of(*dump);
  if (options.content) out += "content: " + ordered_json::parse(content).dump(2) + "\n";
  return out;
}

int run_inspect(const InspectOptions& options, std::istream& standard_input, std::ostream& out,
                std::ostream& problems) {
  std::ifstream file;
  if (options.source != "-") file.open(options.source, std::ios::binary);
  std::istream& in = options.source == "-" ? standard_input : file;
  const std::string bytes((std::istreambuf_iterator<char>(in)), {});
  if (!in.good() && !in.eof()) {
    problems << "weft: cannot read " << options.source << "\n";
    return exit_failed;
  }
  const auto text = inspect(base::as_bytes(bytes), options);
  if (!text) {
    problems << "weft: " << options.source << ": " << text.error().message << "\n";
    return exit_failed;
  }
  out << *text << std::flush;
  return 0;
}

}  // namespace weft::app
