// For operators: what becomes of one edit, step by step.

#include <nlohmann/json.hpp>

#include "weft/gateway/http/api.h"
#include "weft/gateway/http/position.h"
#include "weft/gateway/http/response.h"

namespace weft::gateway::http {

namespace {

using nlohmann::json;

constexpr std::uint64_t wait_ms_default = 30'000;
constexpr std::uint64_t wait_ms_max = 600'000;

json steps_json(const hub::EditTimeline& timeline) {
  json out = json::array();
  const auto begin = timeline.steps.front().at;
  for (const auto& step : timeline.steps) {
    json line = {{"step", step.name},
                 {"us", static_cast<double>((step.at - begin).count()) / 1000}};
    if (step.used) {
      line["allocations"] = step.used->allocations;
      line["copies"] = step.used->copies;
      line["systemCalls"] = step.used->system_calls;
    }
    out.push_back(std::move(line));
  }
  return out;
}

json timeline_json(const log::OpLog& log, const base::DocumentId& document,
                   const hub::EditTimeline& timeline) {
  json frames = json::array();
  for (const auto& frame : timeline.frames) {
    frames.push_back({{"bytes", frame.bytes}, {"receivers", frame.receivers}});
  }
  json out = document_json(document);
  out.update(
      {{"operation", base::to_string(timeline.operation)},
       {"sender", timeline.sender},
       {"updateBytes", timeline.update_bytes},
       {"position", timeline.offset ? position_json(log, document, timeline.offset) : json()},
       {"steps", steps_json(timeline)},
       {"commitRecords", timeline.commit_records},
       {"batchEdits", timeline.batch_edits},
       {"frames", std::move(frames)},
       {"receivers",
        {{"all", timeline.receivers},
         {"sent", timeline.sent},
         {"blocked", timeline.blocked},
         {"left", timeline.left}}}});
  return out;
}

}  // namespace

void trace_edit(Api& api, const exchange_ptr& exchange, const Target& target) {
  if (refuse_foreign(exchange)) return;
  const auto wait_ms = exchange->number("wait_ms", wait_ms_default, 1, wait_ms_max);
  if (!wait_ms) return exchange->fail(wait_ms.error());
  hub::Hub& hub = api.hubs.at(target.document);
  hub.executor().post([&api, &hub, exchange, document = target.document,
                       wait = std::chrono::milliseconds(*wait_ms)] {
    hub.trace(document, wait, [&api, exchange, document](base::result<hub::EditTimeline> seen) {
      if (!seen) return exchange->fail(seen.error());
      exchange->answer(json_response(200, timeline_json(api.log, document, *seen)));
    });
  });
}

}  // namespace weft::gateway::http
