#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "weft/base/events.h"

namespace weft::log::kafka {

/// Names and values of librdkafka's configuration.
using properties = std::map<std::string, std::string>;

/// How a topic is made. Pinned, whatever the brokers' defaults are.
struct TopicSettings {
  std::int32_t partitions = 8;    ///< of new topics; never changes afterwards
  std::int32_t replication = -1;  ///< -1: the brokers' default
  /// -1: the brokers' default. An acknowledged record is on at least so many replicas: with 1 it
  /// may be on the leader alone and go with its disk. Of three replicas 2 keep what was
  /// acknowledged when one is lost, and go on without it.
  std::int32_t min_insync_replicas = -1;
  std::map<std::string, std::string> more;  ///< topic configuration that replaces what is pinned
};

struct KafkaLogOptions {
  /// Each cluster by the name that the TopicResolver gives it, with what librdkafka needs to reach
  /// it: at least `bootstrap.servers`; `security.protocol`, `sasl.*` and `ssl.*` as they are.
  /// What the log's promises rest on cannot be set (idempotence, acks, partitioner,
  /// isolation level).
  std::map<std::string, properties> clusters;

  TopicSettings topics;
  /// Topics that this log has open at once; those that nobody uses make room for others. It does
  /// not bound how many topics names make on the brokers in the course of time: templates that
  /// name rooms leave that to whoever lets people in.
  std::size_t topics_max = 10'000;

  /// The largest envelope taken. Topics are made to take it; existing ones must, and brokers too.
  std::size_t record_bytes_max = 1'000'000;
  /// Bytes of records accepted and not yet read back; beyond that append says overloaded.
  std::size_t inflight_bytes_max = std::size_t{64} << 20;
  /// How long a record waits for the brokers before its append fails.
  std::chrono::milliseconds append_timeout{120'000};
  /// The log is not writable while an append has waited for so long.
  std::chrono::milliseconds stall{5'000};

  /// How long reads and everything else wait for the brokers before they say unavailable.
  std::chrono::milliseconds request_timeout{5'000};
  std::size_t reader_threads = 2;
  std::size_t reads_queued_max = 65'536;
  /// Bytes that one read looks through before it answers with what it has.
  std::size_t scan_bytes_max = std::size_t{16} << 20;

  /// One topic of those that are followed, in turn, is looked at so often whether it is still the
  /// one that was found: most that were made again are noticed by what comes out of them, one that
  /// has grown as long meanwhile by this. So it costs the same however many topics there are.
  std::chrono::milliseconds identity_check_interval{1'000};

  /// How long close waits for appends under way.
  std::chrono::milliseconds close_timeout{10'000};

  base::Events* events = nullptr;  ///< must outlive the log
};

}  // namespace weft::log::kafka
