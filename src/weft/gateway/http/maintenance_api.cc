// For operators: documents in quarantine, repair, backup.

#include <map>
#include <nlohmann/json.hpp>

#include "weft/gateway/http/accept.h"
#include "weft/gateway/http/api.h"
#include "weft/gateway/http/response.h"
#include "weft/hub/errc.h"

namespace weft::gateway::http {

namespace {

using nlohmann::json;

constexpr std::size_t directory_bytes_max = 4096;

/// Whether a request comes from this machine, and not for somebody else through a proxy on it.
bool is_local(const net::HttpRequest& request) {
  const bool loopback = request.peer.starts_with("127.") || request.peer.starts_with("[::1]") ||
                        request.peer.starts_with("::1");
  return loopback && request.header("X-Forwarded-For").empty() &&
         request.header("Forwarded").empty();
}

/// Answers with what a blocking piece of maintenance says.
void answer_maintenance(Api& api, const exchange_ptr& exchange, unsigned status,
                        std::function<base::result<std::string>()> work,
                        std::function<void()> then = {}) {
  api.history.work<std::string>(
      exchange->executor(),
      [exchange, status, then = std::move(then)](base::result<std::string> done) {
        if (done) {
          if (then) then();
          return exchange->answer(net::HttpResponse::text(status, "application/json", *done));
        }
        if (done.error().code == hub::errc::unavailable ||
            done.error().code == hub::errc::draining) {
          return exchange->fail(done.error());
        }
        exchange->refuse(problems::maintenance_failed, done.error().message);
      },
      std::move(work));
}

}  // namespace

bool refuse_foreign(const exchange_ptr& exchange) {
  if (is_local(exchange->request())) return false;
  exchange->refuse(problems::local_only,
                   "this is for operators: ask from the machine that the server runs on");
  return true;
}

json quarantine_json(const hub::QuarantineEntry& entry) {
  json out = document_json(entry.document);
  out.update({{"reason", entry.reason}, {"since", entry.since_ms}, {"attempts", entry.attempts}});
  return out;
}

void list_quarantine(Api& api, const exchange_ptr& exchange, const Target&) {
  // Hubs of one process share their list; each may have its own all the same.
  std::map<base::DocumentId, json> all;
  for (const hub::Hub* hub : api.hubs.all()) {
    for (const auto& entry : hub->quarantine().list()) {
      all.emplace(entry.document, quarantine_json(entry));
    }
  }
  json documents = json::array();
  for (auto& [document, line] : all) documents.push_back(std::move(line));
  json unreadable = json::array();
  for (const auto& entry : api.unreadable.list()) unreadable.push_back(quarantine_json(entry));
  exchange->answer(json_response(200, {{"documents", documents}, {"unreadable", unreadable}}));
}

void repair_document(Api& api, const exchange_ptr& exchange, const Target& target) {
  if (refuse_foreign(exchange)) return;
  if (!api.maintenance.repair) {
    return exchange->refuse(problems::maintenance_failed, "this server has nothing to repair with");
  }
  answer_maintenance(
      api, exchange, 200,
      [&api, document = target.document] { return api.maintenance.repair(document); },
      [&api, document = target.document] {
        // Whatever kept it from being read: the next who comes tries at once.
        api.hubs.at(document).quarantine().retry_now(document);
      });
}

void make_backup(Api& api, const exchange_ptr& exchange, const Target&) {
  if (refuse_foreign(exchange)) return;
  if (!api.maintenance.backup) {
    return exchange->refuse(problems::maintenance_failed, "this server has nothing to back up");
  }
  if (media_type(exchange->request().header("Content-Type")) != media::json) {
    return exchange->refuse(problems::bad_media_type, R"(send application/json: {"directory": …})");
  }
  const auto body = exchange->take_body();
  const json asked = json::parse(base::as_text(body), nullptr, false);
  if (!asked.is_object() || !asked.contains("directory") || !asked["directory"].is_string()) {
    return exchange->refuse(problems::bad_body, R"(the body must be {"directory": "<name>"})");
  }
  auto directory = asked["directory"].get<std::string>();
  if (directory.empty() || directory.size() > directory_bytes_max ||
      directory.find('\0') != std::string::npos) {
    return exchange->refuse(problems::bad_body, "directory must be the name of one");
  }
  answer_maintenance(api, exchange, 201, [&api, directory = std::move(directory)] {
    return api.maintenance.backup(directory);
  });
}

}  // namespace weft::gateway::http
