#include "weft/app/trace.h"

#include <cstdio>
#include <filesystem>
#include <future>
#include <nlohmann/json.hpp>
#include <vector>

#include "weft/app/ask_server.h"
#include "weft/app/loopback_client.h"
#include "weft/app/server.h"
#include "weft/gateway/document_name.h"
#include "weft/yjs/lib0.h"
#include "weft/yjs/sync_protocol.h"

namespace weft::app {

namespace {

using gateway::http::ClientResponse;
using nlohmann::json;

constexpr int exit_failed = 1;
constexpr int exit_usage = 2;
constexpr int exit_no_edit = 3;
constexpr std::uint16_t http_ok = 200;
constexpr std::uint16_t http_conflict = 409;

/// Edits before the one that is followed, so that buffers have their size and caches are warm.
constexpr std::uint64_t warm_up_edits = 50;
constexpr std::string_view local_document = "trace/local";

std::string trace_target(const base::DocumentId& document, std::uint64_t wait_ms) {
  const auto address = gateway::address_of(document);
  return "/v1/documents/" + address.path + "/trace?wait_ms=" + std::to_string(wait_ms) +
         (address.query.empty() ? "" : "&" + address.query);
}

/// What an editor sends for `text` typed behind `typed` characters of its own: one sync message.
base::byte_vector typing(std::uint64_t typed, std::string_view text) {
  constexpr std::uint8_t string_content = 4;
  constexpr std::uint8_t has_origin = 0x80;
  yjs::Writer update;
  for (const std::uint64_t field : {std::uint64_t{1}, std::uint64_t{1}, std::uint64_t{1}, typed}) {
    update.uint(field);  // one client, one struct, client 1, its clock
  }
  update.byte(typed == 0 ? string_content : string_content | has_origin);
  if (typed == 0) {
    update.uint(1);
    update.bytes(base::as_bytes("content"));
  } else {
    update.uint(1);
    update.uint(typed - 1);
  }
  update.bytes(base::as_bytes(text));
  update.uint(0);  // nothing is deleted
  const auto body = update.take();
  base::byte_vector message(yjs::sync_header_bytes_max);
  message.resize(yjs::write_sync_header(yjs::sync_type::update, body.size(), message.data()));
  message.insert(message.end(), body.begin(), body.end());
  return message;
}

base::result<LoopbackClient> join_synced(std::uint16_t port) {
  auto client = LoopbackClient::join(port, "/ws/" + std::string(local_document));
  if (!client) return client;
  const base::byte_vector empty_step1{0, 0, 1, 0};
  if (auto ok = client->send(empty_step1); !ok) return std::unexpected(ok.error());
  if (auto ok = client->await(0, 1); !ok) return std::unexpected(ok.error());
  return client;
}

/// Lets an editor type into a server of our own until the one edit that is followed has arrived.
base::result<ClientResponse> type_and_follow(const Config& config, const TraceOptions& options,
                                             std::uint16_t port) {
  auto editor = join_synced(port);
  if (!editor) return std::unexpected(editor.error());
  std::vector<LoopbackClient> readers;
  for (std::size_t i = 0; i < options.receivers; ++i) {
    auto reader = join_synced(port);
    if (!reader) return std::unexpected(reader.error());
    readers.push_back(std::move(*reader));
  }
  const std::string text(options.text_bytes, 'x');
  std::uint64_t typed = 0;
  const auto type = [&]() -> base::result<void> {
    if (auto ok = editor->send(typing(typed, text)); !ok) return ok;
    typed += text.size();
    for (auto& reader : readers) {
      if (auto ok = reader.await(0, 2); !ok) return ok;
    }
    return {};
  };
  for (std::uint64_t i = 0; i < warm_up_edits; ++i) {
    if (auto ok = type(); !ok) return std::unexpected(ok.error());
  }
  auto answer = std::async(std::launch::async, [&] {
    const auto document = gateway::document_of_address(local_document);
    return ask_server(config, trace_target(*document, options.wait_ms), "{}");
  });
  // The edit that is followed is the first after the question arrived, whenever that is.
  while (answer.wait_for(std::chrono::seconds(0)) != std::future_status::ready) {
    if (auto ok = type(); !ok) return std::unexpected(ok.error());
  }
  return answer.get();
}

class ScratchDirectory {
 public:
  ScratchDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "weft-trace-XXXXXX").string();
    if (::mkdtemp(name.data())) path_ = name;
  }
  ~ScratchDirectory() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

base::result<ClientResponse> follow_locally(Config config, const TraceOptions& options,
                                            const ThreadMeter* meter) {
  const ScratchDirectory scratch;
  if (scratch.path().empty()) return base::fail(errc::start, "cannot make a scratch directory");
  config.data = scratch.path() + "/data";
  config.log_kind = log_kind::embedded;  // nothing of this belongs among what others keep
  config.listen = "127.0.0.1:0";
  config.web.clear();
  config.net.tls = {};
  if (meter) meter->count_copies(options.text_bytes);
  auto node = Node::start(config, meter);
  if (!node) return std::unexpected(node.error());
  const std::string& address = (*node)->address();
  config.listen = address.substr(address.find("//") + 2);
  const auto port = std::stoul(config.listen.substr(config.listen.rfind(':') + 1));
  return type_and_follow(config, options, static_cast<std::uint16_t>(port));
}

std::string number(const json& value) { return std::to_string(value.get<std::uint64_t>()); }

std::string counted(const json& value, const char* what) {
  return number(value) + " " + what + (value == 1 ? "" : "s");
}

std::string step_line(const json& step, double before_us) {
  char line[128];
  const double us = step["us"];
  std::snprintf(line, sizeof line, "%10.1f %10.1f  %-13s", us, us - before_us,
                step["step"].get<std::string>().c_str());
  std::string out = line;
  if (step.contains("allocations")) {
    std::snprintf(
        line, sizeof line, "%11llu %7llu %13llu", step["allocations"].get<unsigned long long>(),
        step["copies"].get<unsigned long long>(), step["systemCalls"].get<unsigned long long>());
    out += line;
  }
  out.erase(out.find_last_not_of(' ') + 1);
  return out + "\n";
}

}  // namespace

std::string timeline_text(const std::string& text) {
  const json trace = json::parse(text);
  std::string out = trace["room"].get<std::string>() + "/" + trace["document"].get<std::string>();
  if (trace.contains("subdocument")) out += "/" + trace["subdocument"].get<std::string>();
  const json& position = trace["position"];
  out += position.is_null() ? ", not committed" : ", version " + number(position["version"]);
  out += ", operation " + trace["operation"].get<std::string>() + ", from " +
         trace["sender"].get<std::string>() + "\n";
  out += "update of " + counted(trace["updateBytes"], "byte") + "; commit of " +
         counted(trace["commitRecords"], "record");
  for (const json& frame : trace["frames"]) {
    out += "; frame of " + counted(frame["bytes"], "byte") + " for " +
           counted(frame["receivers"], "receiver");
  }
  const json& steps = trace["steps"];
  const bool counts = steps.size() > 1 && steps[1].contains("allocations");
  out += "\n\n        us         +  step         ";
  out += counts ? "allocations  copies  system calls\n" : "\n";
  double before_us = 0;
  for (const json& step : steps) {
    out += step_line(step, before_us);
    before_us = step["us"];
  }
  const json& receivers = trace["receivers"];
  out += "\n" + counted(receivers["all"], "receiver") + ": sent to " + number(receivers["sent"]) +
         " (" + number(receivers["blocked"]) + " with a full socket), " +
         number(receivers["left"]) + " left before\n";
  return out;
}

int run_trace(const Config& config, const TraceOptions& options, const ThreadMeter* meter,
              std::ostream& out, std::ostream& problems) {
  const auto refuse = [&](int code, const std::string& why) {
    problems << "weft: trace: " << why << "\n";
    return code;
  };
  if (options.local != options.document.empty()) {
    return refuse(exit_usage, options.local ? "--local has a document of its own; name none"
                                            : "name a document: weft trace ROOM/DOCUMENT");
  }
  base::result<ClientResponse> answer;
  if (options.local) {
    answer = follow_locally(config, options, meter);
  } else {
    const auto document = gateway::document_of_address(options.document);
    if (!document) return refuse(exit_usage, document.error().message);
    answer = ask_server(config, trace_target(*document, options.wait_ms), "{}");
  }
  if (!answer) return refuse(exit_failed, answer.error().message);
  if (answer->status != http_ok) {
    return refuse(answer->status == http_conflict ? exit_no_edit : exit_failed,
                  problem_detail(*answer));
  }
  out << (options.json ? answer->body + "\n" : timeline_text(answer->body)) << std::flush;
  return 0;
}

}  // namespace weft::app
