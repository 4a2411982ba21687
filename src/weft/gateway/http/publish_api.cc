// Publishing: one update or many, durable before the answer.

#include <nlohmann/json.hpp>

#include "weft/gateway/document_name.h"
#include "weft/gateway/http/accept.h"
#include "weft/gateway/http/api.h"
#include "weft/gateway/http/entity_tag.h"
#include "weft/gateway/http/position.h"
#include "weft/gateway/http/response.h"
#include "weft/gateway/http/update_format.h"
#include "weft/gateway/http/updates_body.h"

namespace weft::gateway::http {

namespace {

using nlohmann::json;

/// A publish while its parts are put together.
struct Publish {
  base::DocumentId document;
  hub::SessionInfo sender;
  std::optional<hub::PublishCondition> condition;
  bool single = false;
  UpdateFormat format = UpdateFormat::v1;
};

/// The updates of a publish in format v1, up to the first that cannot be had in it.
struct Prepared {
  std::vector<base::shared_bytes> updates;
  std::optional<base::error> refused;
  std::size_t count = 0;  ///< how many there were
};

base::result<Prepared> prepare(std::vector<base::shared_bytes> updates, UpdateFormat format,
                               std::size_t v1_bytes_max) {
  Prepared out;
  out.count = updates.size();
  for (auto& update : updates) {
    auto converted = from_format(format, std::move(update), v1_bytes_max);
    if (!converted) {
      out.refused = std::move(converted.error());
      break;
    }
    out.updates.push_back(std::move(*converted));
  }
  return out;
}

json results_json(Api& api, const Publish& publish, const std::vector<hub::PublishedItem>& items) {
  using outcome = hub::PublishedItem::outcome;
  json out = json::array();
  for (const auto& item : items) {
    switch (item.what) {
      case outcome::durable:
        out.push_back({{"outcome", "durable"},
                       {"position", position_json(api.log, publish.document, item.version)}});
        break;
      case outcome::refused:
        out.push_back({{"outcome", "refused"},
                       {"problem", problem_json(problem_type_of(item.why), item.why.message)}});
        break;
      case outcome::not_tried:
        out.push_back({{"outcome", "not-tried"}});
        break;
    }
  }
  return out;
}

void answer_published(Api& api, const exchange_ptr& exchange, const Publish& publish,
                      const std::vector<hub::PublishedItem>& items) {
  const auto refused =
      std::ranges::find(items, hub::PublishedItem::outcome::refused, &hub::PublishedItem::what);
  if (refused != items.end()) {
    if (publish.single) return exchange->fail(refused->why);
    const auto& type = problem_type_of(refused->why);
    auto body = problem_json(
        type, "updates[" + std::to_string(refused - items.begin()) + "]: " + refused->why.message);
    body["results"] = results_json(api, publish, items);
    return exchange->answer(problem_response(type, body));
  }
  std::optional<base::log_offset> newest;
  for (const auto& item : items) newest = std::max(newest, item.version);
  auto body = position_json(api.log, publish.document, newest);
  if (!publish.single) body["results"] = results_json(api, publish, items);
  exchange->answer(json_response(201, body));
}

void publish_all(Api& api, const exchange_ptr& exchange, Publish publish, Prepared prepared) {
  hub::Hub& hub = api.hubs.at(publish.document);
  hub.executor().post([&api, &hub, exchange, publish = std::move(publish),
                       prepared = std::move(prepared)]() mutable {
    const auto document = publish.document;
    const auto sender = publish.sender;
    const auto condition = publish.condition;
    auto updates = std::move(prepared.updates);
    hub.publish_all(
        document, std::move(updates), sender, condition,
        [&api, exchange, publish = std::move(publish),
         prepared = std::move(prepared)](base::result<std::vector<hub::PublishedItem>> items) {
          if (!items) return exchange->fail(items.error());
          if (prepared.refused) {
            const bool tried =
                items->empty() || items->back().what == hub::PublishedItem::outcome::durable;
            const std::size_t at = items->size();
            items->resize(prepared.count);
            if (tried) {
              (*items)[at] = {hub::PublishedItem::outcome::refused, {}, *prepared.refused};
            }
          }
          answer_published(api, exchange, publish, *items);
        });
  });
}

}  // namespace

void publish_updates(Api& api, const exchange_ptr& exchange, const Target& target) {
  const auto& request = exchange->request();
  const auto type = media_type(request.header("Content-Type"));
  const bool framed = type == media::updates;
  const bool as_json = type == media::json;
  if (!framed && !as_json && !is_octets(type)) {
    return exchange->refuse(problems::bad_media_type,
                            "send one update as application/octet-stream, or several as "
                            "application/vnd.weft.updates or application/json");
  }
  const auto format = update_format(*exchange);
  if (!format) return exchange->fail(format.error());
  Publish publish;
  publish.format = *format;
  publish.document = target.document;
  publish.single = !framed && !as_json;
  auto sender = exchange->text("sender", sender_bytes_max);
  if (!sender) return exchange->fail(sender.error());
  publish.sender.permit = exchange->permit();
  publish.sender.sender_id = *sender ? std::move(**sender) : "http " + request.peer;
  const auto tags = tags_of(request, "If-Match");
  if (!tags) return exchange->fail(tags.error());
  if (*tags) publish.condition = condition_of(**tags);
  auto body = base::shared_bytes::adopt(exchange->take_body());
  if (publish.single) {
    if (body.empty()) {
      return exchange->refuse(problems::bad_body, "the body must be one Yjs update, unencoded");
    }
    if (publish.format == UpdateFormat::v1) {
      return publish_all(api, exchange, std::move(publish), {{std::move(body)}, {}, 1});
    }
  }
  api.history.work<Prepared>(
      exchange->executor(),
      [&api, exchange, publish](base::result<Prepared> prepared) {
        if (!prepared && prepared.error().code == std::errc::invalid_argument) {
          return exchange->refuse(problems::bad_body, prepared.error().message);
        }
        if (!prepared) return exchange->fail(prepared.error());
        if (prepared->count == 0) {
          return exchange->refuse(problems::bad_body, "there is no update in it");
        }
        publish_all(api, exchange, publish, std::move(*prepared));
      },
      [body = std::move(body),
       how = publish.single ? UpdatesBody::single
             : as_json      ? UpdatesBody::json
                            : UpdatesBody::framed,
       format = publish.format, count_max = api.options.batch_updates_max,
       v1_bytes_max =
           api.hubs.at(publish.document).options().update_bytes_max]() -> base::result<Prepared> {
        base::result<std::vector<base::shared_bytes>> cut;
        if (how == UpdatesBody::single) cut->push_back(body);
        if (how == UpdatesBody::json) cut = read_json(body, count_max);
        if (how == UpdatesBody::framed) cut = cut_framed(body, count_max);
        if (!cut) return base::fail(std::move(cut.error()));
        return prepare(std::move(*cut), format, v1_bytes_max);
      });
}

}  // namespace weft::gateway::http
