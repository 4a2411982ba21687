// What people see of a document: JSON, text, delta, XML.

#include "weft/base/document_key.h"
#include "weft/crdt/reader.h"
#include "weft/gateway/http/accept.h"
#include "weft/gateway/http/state_source.h"

namespace weft::gateway::http {

namespace {

constexpr std::size_t root_bytes_max = 1024;

/// One kind of typed reading.
struct Kind {
  TypedView view;
  std::string_view name;          ///< in tags and paths
  std::string_view media_type;    ///< without parameters
  std::string_view content_type;  ///< as it is answered
  bool of_root;
};

constexpr Kind as_json{TypedView::json, "json", media::json, media::json, false};
constexpr Kind as_text{TypedView::text, "text", media::text, "text/plain; charset=utf-8", true};
constexpr Kind as_delta{TypedView::delta, "delta", media::json, media::json, true};
constexpr Kind as_xml{TypedView::xml, "xml", media::xml, "application/xml; charset=utf-8", true};

/// What is asked of a document.
struct Question {
  const Kind& kind;
  std::string root;
  base::DocumentId document;
  bool of_present = true;

  std::string text() const {
    return std::string(kind.name) + (kind.of_root ? " " + root : std::string());
  }
};

bool broke_down(const base::error& why) {
  return why.code == crdt::errc::failed || why.code == crdt::errc::corrupt;
}

const ProblemType& problem_of_reader(const base::error& why) {
  if (why.code == crdt::errc::unsupported) return problems::no_reader;
  if (why.code == crdt::errc::not_found) return problems::unknown_root;
  if (why.code == crdt::errc::too_large) return problems::too_large;
  return problem_type_of(why);
}

/// Names what is read exactly; empty when the version does not determine the content.
std::string failure_key(const Question& question, const StateStamp& stamp) {
  if (!stamp.settled) return {};
  return base::document_key(question.document) + version_name(stamp.version, stamp.log) + " " +
         question.text();
}

void refuse_unreadable(const exchange_ptr& exchange, const Question& question,
                       std::string_view why) {
  exchange->refuse(problems::unreadable,
                   "this version cannot be read as " + std::string(question.kind.name) + ": " +
                       std::string(why) +
                       "; the document itself is whole, and /update gives its state");
}

void answer_typed(Api& api, const exchange_ptr& exchange, Question question,
                  const StateStamp& stamp, base::shared_bytes state) {
  if (state.size() > api.options.typed_bytes_max) {
    return exchange->refuse(problems::too_large, "the document is too large to be read as " +
                                                     std::string(question.kind.name) +
                                                     " (http.typed_bytes_max)");
  }
  auto key = failure_key(question, stamp);
  if (!key.empty() && api.unreadable.is_known(key)) {
    return refuse_unreadable(exchange, question, "the reader broke down on it before");
  }
  auto work = [&api, view = question.kind.view, root = question.root, state] {
    return api.typed_reader(view, state, root);
  };
  auto done = [&api, exchange, question = std::move(question), key = std::move(key), stamp,
               state](base::result<std::string> read) mutable {
    const bool answered = read || read.error().code == crdt::errc::not_found;
    if (answered && question.of_present) {
      api.unreadable.answered(question.document, question.text());
    }
    if (read) {
      return exchange->answer(state_response(base::shared_bytes::copy_of(base::as_bytes(*read)),
                                             question.kind.content_type, stamp,
                                             question.kind.name));
    }
    const auto& why = read.error();
    if (!broke_down(why)) return exchange->refuse(problem_of_reader(why), why.message);
    api.unreadable.broke_down(question.document, question.text(), std::move(key), why.message,
                              std::move(state), exchange->executor().wall_clock_ms());
    refuse_unreadable(exchange, question, why.message);
  };
  base::run_and_answer<std::string>(api.typed_readers, exchange->executor(), std::move(done),
                                    std::move(work), hub::DocumentHistory::busy);
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
  auto done = [&api, exchange,
               question = Question{kind, std::move(root), target.document, !query->at}](
                  const StateStamp& stamp, base::shared_bytes state) mutable {
    answer_typed(api, exchange, std::move(question), stamp, std::move(state));
  };
  with_state(api, exchange, std::move(*query), std::move(done));
}

}  // namespace

base::result<std::string> read_typed_view(TypedView view, base::byte_view state,
                                          std::string_view root) {
  switch (view) {
    case TypedView::json:
      return crdt::read_json(state);
    case TypedView::text:
      return crdt::read_text(state, root);
    case TypedView::delta:
      return crdt::read_delta(state, root);
    case TypedView::xml:
      return crdt::read_xml(state, root);
  }
  base::invariant_broken("a view without a reader", __FILE__, __LINE__);
}

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
