#pragma once

#include <memory>

#include "weft/app/config.h"
#include "weft/base/events.h"
#include "weft/log/topic_resolver.h"

namespace weft::app {

/// The log that the configuration names, and what it needs while it lives.
struct OpenedLog {
  std::unique_ptr<log::TopicResolver> topics;  ///< outlives `log`; none on the embedded one
  std::unique_ptr<log::OpLog> log;
  log::embedded::EmbeddedLog* embedded =
      nullptr;  ///< `log`, where it is that: what can be repaired
};

/// Opens the log of log.kind. A data directory belongs to one kind: its snapshots hold edits that
/// another log does not have, which nobody would send it.
/// Errors: those of the logs; config: the directory was used with the other kind, or this program
/// was built without log/kafka.
base::result<OpenedLog> open_log(const Config& config, base::Events& events);

/// Checks what only librdkafka and the resolver know of the configuration. Errors: config.
base::result<void> check_log(const Config& config);

}  // namespace weft::app
