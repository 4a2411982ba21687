// What people see of a document: JSON, text, delta, XML.

#include "weft/base/document_key.h"
#include "weft/crdt/reader.h"
#include "weft/gateway/http/accept.h"
#include "weft/gateway/http/failed_reads.h"
#include "weft/gateway/http/state_source.h"

namespace weft::gateway::http {

namespace {

constexpr std::size_t root_bytes_max = 1024;

/// One kind of typed reading.
struct Kind {
  std::string_view name;          ///< in tags and paths
  std::string_view media_type;    ///< without parameters
  std::string_view content_type;  ///< as it is answered
  bool of_root;
  base::result<std::string> (*read)(base::byte_view, std::string_view root, const crdt::Limits&);
};

constexpr Kind as_json{"json", media::json, media::json, false,
                       [](base::byte_view update, std::string_view, const crdt::Limits& limits) {
                         return crdt::read_json(update, limits);
                       }};
constexpr Kind as_text{"text", media::text, "text/plain; charset=utf-8", true, crdt::read_text};
constexpr Kind as_delta{"delta", media::json, media::json, true, crdt::read_delta};
constexpr Kind as_xml{"xml", media::xml, "application/xml; charset=utf-8", true, crdt::read_xml};

const ProblemType& problem_of_reader(const base::error& why) {
  if (why.code == crdt::errc::unsupported) return problems::no_reader;
  if (why.code == crdt::errc::not_found) return problems::unknown_root;
  if (why.code == crdt::errc::too_large) return problems::too_large;
  if (why.code == crdt::errc::corrupt || why.code == crdt::errc::failed) {
    return problems::document_broken;
  }
  return problem_type_of(why);
}

/// Names what is read exactly; empty when the version does not determine the content.
std::string failure_key(const StateQuery& query, const StateStamp& stamp, const Kind& kind,
                        const std::string& root) {
  if (!stamp.settled) return {};
  return base::document_key(query.document) + version_name(stamp.version, stamp.log) + " " +
         std::string(kind.name) + " " + root;
}

void answer_typed(Api& api, const exchange_ptr& exchange, const Kind& kind, std::string root,
                  std::string key, const StateStamp& stamp, base::shared_bytes state) {
  if (state.size() > api.options.typed_bytes_max) {
    return exchange->refuse(problems::too_large, "the document is too large to be read as " +
                                                     std::string(kind.name) +
                                                     " (http.typed_bytes_max)");
  }
  if (!key.empty() && api.failed_reads.contains(key)) {
    return exchange->refuse(problems::document_broken,
                            "this version cannot be read as " + std::string(kind.name));
  }
  base::run_and_answer<std::string>(
      api.typed_readers, exchange->executor(),
      [&api, exchange, &kind, key = std::move(key), stamp](base::result<std::string> read) mutable {
        if (!read) {
          if (read.error().code == crdt::errc::failed && !key.empty()) {
            api.failed_reads.add(std::move(key));
          }
          return exchange->refuse(problem_of_reader(read.error()), read.error().message);
        }
        exchange->answer(state_response(base::shared_bytes::copy_of(base::as_bytes(*read)),
                                        kind.content_type, stamp, kind.name));
      },
      [&kind, root = std::move(root), state = std::move(state)] {
        return kind.read(state, root, {});
      },
      hub::DocumentHistory::busy);
}

void read_typed(Api& api, const exchange_ptr& exchange, const Target& target, const Kind& kind) {
  const std::string_view offered[] = {kind.media_type};
  if (!choose(exchange->request().header("Accept"), offered)) {
    return exchange->refuse(problems::not_acceptable,
                            "this comes as " + std::string(kind.media_type));
  }
  if (!crdt::available()) {
    return exchange->refuse(problems::no_reader, crdt::describe(crdt::errc::unsupported));
  }
  std::string root;
  if (kind.of_root) {
    auto given = exchange->text("root", root_bytes_max);
    if (!given) return exchange->fail(given.error());
    if (!*given) {
      return exchange->refuse(problems::bad_parameter,
                              "parameter root must name what was shared by that name, as "
                              "\"content\" in doc.getText(\"content\")");
    }
    root = std::move(**given);
  }
  auto query = state_query(*exchange, target.document);
  if (!query) return exchange->fail(query.error());
  query->representation = kind.name;
  auto done = [&api, exchange, &kind, root = std::move(root), query = *query](
                  const StateStamp& stamp, base::shared_bytes state) mutable {
    auto key = failure_key(query, stamp, kind, root);
    answer_typed(api, exchange, kind, std::move(root), std::move(key), stamp, std::move(state));
  };
  with_state(api, exchange, std::move(*query), std::move(done));
}

}  // namespace

void read_json_view(Api& api, const exchange_ptr& exchange, const Target& target) {
  read_typed(api, exchange, target, as_json);
}
void read_text_view(Api& api, const exchange_ptr& exchange, const Target& target) {
  read_typed(api, exchange, target, as_text);
}
void read_delta_view(Api& api, const exchange_ptr& exchange, const Target& target) {
  read_typed(api, exchange, target, as_delta);
}
void read_xml_view(Api& api, const exchange_ptr& exchange, const Target& target) {
  read_typed(api, exchange, target, as_xml);
}

}  // namespace weft::gateway::http
