#pragma once

#include <cstdint>
#include <memory>

#include "weft/base/result.h"
#include "weft/log/kafka/options.h"
#include "weft/log/op_log.h"
#include "weft/log/topic_resolver.h"

namespace weft::log::kafka {

/// Counters since open, for metrics and tests.
struct KafkaLogStats {
  std::uint64_t records = 0;          ///< of this log's own appends, read back
  std::uint64_t failed_records = 0;   ///< told on_append_failed
  std::uint64_t foreign_records = 0;  ///< passed over while following: not Weft's, or damaged
  std::uint64_t inflight_bytes = 0;
  std::uint64_t doubtful_records = 0;  ///< now: sent without an answer, and being looked for
  std::uint64_t watermark_queries = 0;
  std::uint64_t scans = 0;  ///< passes over a partition, each for one reader or more
  std::uint64_t topics_open = 0;
  std::uint64_t topics_lost = 0;  ///< found deleted or recreated
  std::uint64_t producers_replaced = 0;
};

/// The durable log of any number of nodes, on Kafka: documents in the topics that a TopicResolver
/// names, spread over their partitions by `docId`.
///
/// A record is committed once it has been read back, in the partition's order, whatever a delivery
/// report said; delivery reports only tell what has failed. Only partitions in which a document
/// has subscribers are followed. Reading a document's past looks through its partition, since
/// Kafka has no index of documents: reads that wait for the same stretch share one pass.
/// A topic has an identity of its own, that of the marker with which it begins: deleting and
/// recreating it ends the subscriptions of its documents with on_lost(replaced).
/// Appending and subscribing make a missing topic, reading does not.
/// documents() and trim() are unsupported: the store behind the log lists documents, and
/// trim_partition drops what it has covered.
/// Threading and promises: see OpLog. Source: docs/formats/kafka_record.md.
class KafkaLog final : public OpLog {
 public:
  /// Connects to every cluster. The resolver must outlive the log.
  /// Errors: unavailable (no broker answers within request_timeout), failed (a property is wrong).
  static base::result<std::unique_ptr<KafkaLog>> open(KafkaLogOptions options,
                                                      TopicResolver& resolver);

  /// Whether librdkafka knows these properties and takes their values, without connecting.
  /// Errors: failed.
  static base::result<void> check(const properties& given);

  ~KafkaLog() override;
  KafkaLog(const KafkaLog&) = delete;
  KafkaLog& operator=(const KafkaLog&) = delete;

  base::log_identity id() const override;  ///< of the first cluster, by name
  std::uint64_t actor() const override;
  std::uint64_t next_seq() const override;
  base::result<void> append(const base::DocumentId& document,
                            std::vector<Record>&& records) override;
  std::unique_ptr<Subscription> subscribe(const base::DocumentId& document,
                                          base::Executor& executor,
                                          Subscriber& subscriber) override;
  void read(const base::DocumentId& document, log_offset from, std::size_t bytes_max,
            base::Executor& executor, callback<ReadResult> done) override;
  void read_partition(const LogPosition& from, std::size_t bytes_max, base::Executor& executor,
                      callback<PartitionReadResult> done) override;
  void end(const base::DocumentId& document, base::Executor& executor,
           callback<log_offset> done) override;
  void documents(const base::DocumentId* after, std::size_t count_max, base::Executor& executor,
                 callback<std::vector<base::DocumentId>> done) override;
  void trim(const base::DocumentId& document, log_offset before, base::Executor& executor,
            callback<void> done) override;
  LogPosition position(const base::DocumentId& document, log_offset offset) const override;
  bool writable() const override;
  void close() override;

  /// Deletes the partition's records with offset < before.offset, of all documents. Whoever calls
  /// this must have them elsewhere, and begin there with every document: to the log one that lost
  /// all of them looks as if it had never been written to. Errors: not_found (no such topic),
  /// replaced (before.log is another one), unavailable, failed, closed.
  void trim_partition(const LogPosition& before, base::Executor& executor, callback<void> done);

  KafkaLogStats stats() const;

  /// For tests of what follows: makes every producer fail as when idempotence cannot be kept.
  void break_producers();

  class Core;  ///< what it is made of; for log/kafka alone

 private:
  explicit KafkaLog(std::shared_ptr<Core> core);
  std::shared_ptr<Core> core_;
};

}  // namespace weft::log::kafka
