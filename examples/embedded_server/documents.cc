#include "documents.h"

#include <future>
#include <iostream>
#include <nlohmann/json.hpp>
#include <syncstream>

namespace weft::examples {

using nlohmann::json;

void PrintedEvents::report(base::severity, std::string_view name,
                           std::initializer_list<base::event_field> fields) {
  std::osyncstream out(std::cerr);
  out << name;
  for (const auto& [key, value] : fields) out << ' ' << key << '=' << value;
  out << std::endl;
}

void PrintedPersistence::persist_update(const base::DocumentId& document,
                                        const log::CommittedRecord& record) {
  std::osyncstream(std::cout) << json{{"persistUpdate", base::to_string(document)},
                                      {"version", record.offset.value},
                                      {"identity", record.record.identity},
                                      {"bytes", record.record.envelope.size()}}
                              << std::endl;
}

void PrintedPersistence::persist_result(const base::DocumentId& document, base::log_offset version,
                                        const std::string& storage_location) {
  std::osyncstream(std::cout) << json{{"persistResult", base::to_string(document)},
                                      {"version", version.value},
                                      {"storageLocation", storage_location}}
                              << std::endl;
}

base::result<std::unique_ptr<Documents>> Documents::open(const std::string& directory,
                                                         net::LoopGroup& loops,
                                                         hub::Authorizer& authorizer) {
  log::embedded::EmbeddedLogOptions log_options;
  log_options.directory = directory + "/log";
  auto log = log::embedded::EmbeddedLog::open(log_options);
  if (!log) return base::fail(std::move(log.error()));
  store::rocks::RocksDbStoreOptions store_options;
  store_options.directory = directory + "/store";
  auto store = store::rocks::RocksDbStore::open(store_options);
  if (!store) return base::fail(std::move(store.error()));
  auto background = net::LoopGroup::start(1);
  if (!background) return base::fail(std::move(background.error()));
  return std::unique_ptr<Documents>(
      new Documents(std::move(*log), std::move(*store), std::move(*background), loops, authorizer));
}

Documents::Documents(std::unique_ptr<log::embedded::EmbeddedLog> log,
                     std::unique_ptr<store::rocks::RocksDbStore> store,
                     std::unique_ptr<net::LoopGroup> background, net::LoopGroup& loops,
                     hub::Authorizer& authorizer)
    : log_(std::move(log)),
      store_(std::move(store)),
      background_(std::move(background)),
      next_seq_(log_->next_seq()),
      hub_({.executor = loops.loop(0),
            .background = background_->loop(0),
            .log = *log_,
            .store = *store_,
            .next_seq = next_seq_,
            .counters = hub_counters_,
            .events = events_,
            .persistence = &persistence_},
           hub::HubOptions{}),
      hubs_({&hub_}),
      readers_(1, 1000),
      history_(*log_, *store_, readers_, hub::HistoryOptions{}),
      authorizer_(authorizer) {
  loops.loop(0).post([this] { hub_.start(); });
}

std::unique_ptr<gateway::socketio::protocol::Namespaces> Documents::namespaces(
    gateway::socketio::Handshake from_query) {
  return gateway::socketio::document_namespaces(
      {hubs_, history_, framing_, events_, counters_, &authorizer_}, options_,
      std::move(from_query));
}

void Documents::drain() {
  std::promise<void> drained;
  hub_.executor().post([&] { hub_.drain([&] { drained.set_value(); }); });
  drained.get_future().wait();
}

void Documents::close() {
  readers_.close();
  log_->close();
  store_->close();
  background_->stop_and_join();
}

}  // namespace weft::examples
