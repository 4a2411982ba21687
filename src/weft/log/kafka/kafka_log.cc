#include "weft/log/kafka/kafka_log.h"

#include <utility>

#include "weft/log/kafka/client.h"
#include "weft/log/kafka/core.h"

namespace weft::log::kafka {

KafkaLog::KafkaLog(std::shared_ptr<Core> core) : core_(std::move(core)) {}

KafkaLog::~KafkaLog() { close(); }

base::result<std::unique_ptr<KafkaLog>> KafkaLog::open(KafkaLogOptions options,
                                                       TopicResolver& resolver) {
  auto core = std::make_shared<Core>(std::move(options), resolver);
  std::unique_ptr<KafkaLog> out(new KafkaLog(core));
  if (auto ok = core->connect(); !ok) return base::fail(std::move(ok.error()));
  return out;
}

base::result<void> KafkaLog::check(const properties& given) { return check_properties(given); }

base::log_identity KafkaLog::id() const { return core_->id(); }
std::uint64_t KafkaLog::actor() const { return core_->actor(); }
std::uint64_t KafkaLog::next_seq() const { return core_->next_seq(); }
bool KafkaLog::writable() const { return core_->writable(); }
KafkaLogStats KafkaLog::stats() const { return core_->stats(); }
void KafkaLog::close() { core_->close(); }
void KafkaLog::break_producers() { core_->break_producers(); }

base::result<void> KafkaLog::append(const base::DocumentId& document,
                                    std::vector<Record>&& records) {
  return core_->append(document, std::move(records));
}

std::unique_ptr<Subscription> KafkaLog::subscribe(const base::DocumentId& document,
                                                  base::Executor& executor,
                                                  Subscriber& subscriber) {
  return core_->subscribe(document, executor, subscriber);
}

void KafkaLog::read(const base::DocumentId& document, log_offset from, std::size_t bytes_max,
                    base::Executor& executor, callback<ReadResult> done) {
  core_->read(document, from, bytes_max, executor, std::move(done));
}

void KafkaLog::read_partition(const LogPosition& from, std::size_t bytes_max,
                              base::Executor& executor, callback<PartitionReadResult> done) {
  core_->read_partition(from, bytes_max, executor, std::move(done));
}

void KafkaLog::end(const base::DocumentId& document, base::Executor& executor,
                   callback<log_offset> done) {
  core_->end(document, executor, std::move(done));
}

void KafkaLog::documents(const base::DocumentId*, std::size_t, base::Executor& executor,
                         callback<std::vector<base::DocumentId>> done) {
  executor.post([done = std::move(done)]() mutable {
    done(base::fail(errc::unsupported,
                    "kafka: the log keeps no list of documents; the store behind it does"));
  });
}

void KafkaLog::trim(const base::DocumentId&, log_offset, base::Executor& executor,
                    callback<void> done) {
  executor.post([done = std::move(done)]() mutable {
    done(base::fail(errc::unsupported, "kafka: only whole partitions can be trimmed"));
  });
}

void KafkaLog::trim_partition(const LogPosition& before, base::Executor& executor,
                              callback<void> done) {
  core_->trim_partition(before, executor, std::move(done));
}

LogPosition KafkaLog::position(const base::DocumentId& document, log_offset offset) const {
  return core_->position(document, offset);
}

}  // namespace weft::log::kafka
