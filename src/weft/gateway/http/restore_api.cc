// Restoring a version: a new edit after which the document shows what it showed then.

#include <nlohmann/json.hpp>

#include "weft/base/random.h"
#include "weft/gateway/document_name.h"
#include "weft/gateway/http/api.h"
#include "weft/gateway/http/entity_tag.h"
#include "weft/gateway/http/position.h"
#include "weft/gateway/http/response.h"
#include "weft/gateway/http/state_source.h"
#include "weft/gateway/version.h"
#include "weft/hub/errc.h"
#include "weft/yjs/revert.h"

namespace weft::gateway::http {

namespace {

/// A restore on its way: one state after the other is found, then the edit between them.
struct Restore {
  base::DocumentId document;
  base::log_offset version;
  hub::SessionInfo sender;
  std::optional<hub::PublishCondition> condition;
  hub::StateRead present;
  base::shared_bytes past;
  yjs::IdSet since;  ///< clocks that came behind the version
};

using restore_ptr = std::shared_ptr<Restore>;

/// The edit, or an empty update. Runs on a worker.
base::result<base::shared_bytes> make_edit(const Restore& restore) {
  yjs::Knowledge now, then;
  auto learned = yjs::learn(restore.present.update, now);
  if (learned) learned = yjs::learn(restore.past, then);
  if (!learned) return base::fail(hub::errc::broken, learned.error().message);
  // What is neither of the past nor known to have come later is of unknown age: content of a
  // snapshot that outlived its log. It must not be taken for something new, and deleted.
  then.structs.add(restore.since);
  if (!then.structs.contains(now.structs)) {
    return base::fail(log::errc::not_found,
                      "the log does not tell how old all of the document's content is");
  }
  base::random random(base::system_seed());
  yjs::client_id client = 0;
  while (client == 0 || now.structs.clients().contains(client)) {
    client = random.next() & 0xffffffff;  // as large as Yjs makes them
  }
  auto edit = yjs::revert(restore.past, restore.present.update, client);
  if (!edit) return base::fail(std::move(edit.error()));
  return base::shared_bytes::adopt(std::move(*edit));
}

void answer_restored(Api& api, const exchange_ptr& exchange, const Restore& restore,
                     std::optional<base::log_offset> version, bool changed) {
  auto body = position_json(api.log, restore.document, version);
  body["restored"] = restore.version.value;
  body["changed"] = changed;
  exchange->answer(json_response(changed ? 201 : 200, body));
}

void publish_edit(Api& api, const exchange_ptr& exchange, const restore_ptr& restore,
                  base::shared_bytes edit) {
  hub::Hub& hub = api.hubs.at(restore->document);
  hub.executor().post([&api, &hub, exchange, restore, edit = std::move(edit)] {
    const bool changed = !base::equal(edit, yjs::empty_update());
    hub.publish_all(
        restore->document, {edit}, restore->sender, restore->condition,
        [&api, exchange, restore, changed](base::result<std::vector<hub::PublishedItem>> items) {
          if (!items) return exchange->fail(items.error());
          const auto& item = items->front();
          if (item.what != hub::PublishedItem::outcome::durable) return exchange->fail(item.why);
          answer_restored(api, exchange, *restore, item.version, changed);
        });
  });
}

void find_edit(Api& api, const exchange_ptr& exchange, const restore_ptr& restore) {
  api.history.work<base::shared_bytes>(
      exchange->executor(),
      [&api, exchange, restore](base::result<base::shared_bytes> edit) {
        if (edit) return publish_edit(api, exchange, restore, std::move(*edit));
        const auto& why = edit.error();
        if (why.code == hub::errc::broken || why.code == hub::errc::unavailable ||
            why.code == hub::errc::draining) {
          return exchange->fail(why);
        }
        exchange->refuse(problems::not_restorable, why.message);
      },
      [restore] { return make_edit(*restore); });
}

void read_since(Api& api, const exchange_ptr& exchange, const restore_ptr& restore) {
  api.history.clocks_between(restore->document, {restore->version.value + 1}, restore->present.end,
                             exchange->executor(),
                             [&api, exchange, restore](base::result<yjs::IdSet> since) {
                               if (!since) return exchange->fail(since.error());
                               restore->since = std::move(*since);
                               find_edit(api, exchange, restore);
                             });
}

void read_past(Api& api, const exchange_ptr& exchange, const restore_ptr& restore) {
  api.history.state_at(restore->document, restore->version, exchange->executor(),
                       [&api, exchange, restore](base::result<base::shared_bytes> past) {
                         if (!past) return exchange->fail(past.error());
                         restore->past = std::move(*past);
                         read_since(api, exchange, restore);
                       });
}

void read_present(Api& api, const exchange_ptr& exchange, const restore_ptr& restore) {
  hub::Hub& hub = api.hubs.at(restore->document);
  hub.executor().post([&api, &hub, exchange, restore] {
    hub.read_state(restore->document, [&api, exchange,
                                       restore](base::result<hub::StateRead> state) {
      if (!state) return exchange->fail(state.error());
      if (!state->settled) {
        return exchange->refuse(problems::unavailable,
                                "an append failed; what the document holds is being looked into");
      }
      if (state->update.size() > api.options.restore_bytes_max) {
        return exchange->refuse(problems::too_large,
                                "the document is too large to restore a version in it "
                                "(http.restore_bytes_max)");
      }
      restore->present = std::move(*state);
      exchange->executor().post([&api, exchange, restore] { read_past(api, exchange, restore); });
    });
  });
}

}  // namespace

void restore_version(Api& api, const exchange_ptr& exchange, const Target& target) {
  const auto version = parse_version(target.version);
  if (!version) return exchange->fail(version.error());
  auto restore = std::make_shared<Restore>();
  restore->document = target.document;
  restore->version = version->offset;
  auto sender = exchange->text("sender", sender_bytes_max);
  if (!sender) return exchange->fail(sender.error());
  restore->sender.permit = exchange->permit();
  restore->sender.sender_id = *sender ? std::move(**sender)
                                      : "restore of " + std::to_string(version->offset.value) +
                                            ", http " + exchange->request().peer;
  const auto tags = tags_of(exchange->request(), "If-Match");
  if (!tags) return exchange->fail(tags.error());
  if (*tags) restore->condition = condition_of(**tags, api.log.id());
  with_version(api, exchange, target.document, *version,
               [&api, exchange, restore] { read_present(api, exchange, restore); });
}

}  // namespace weft::gateway::http
