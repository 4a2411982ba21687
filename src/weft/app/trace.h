#pragma once

#include <ostream>
#include <string>

#include "weft/app/config.h"
#include "weft/app/thread_meter.h"

/// `weft trace`: one edit's way through a server, step by step, for people and (as JSON) for
/// machines.
namespace weft::app {

struct TraceOptions {
  std::string document{};  ///< "room/document", percent-encoded where it must be
  std::uint64_t wait_ms = 30'000;
  bool json = false;
  bool local = false;           ///< an edit of our own, in a server of our own in this process
  std::size_t receivers = 4;    ///< of that edit
  std::size_t text_bytes = 64;  ///< in that edit
};

/// Follows the next edit of a document of the server that runs with `config`, or, locally, one edit
/// on a scratch directory with that configuration. `meter` counts what the local server uses;
/// nullptr: times only. Writes the timeline, or one line that says what is wrong.
/// Returns the exit code: 0 shown, 1 failed, 2 wrong usage, 3 no edit came in time.
int run_trace(const Config& config, const TraceOptions& options, const ThreadMeter* meter,
              std::ostream& out, std::ostream& problems);

/// The lines for people, out of what POST …/trace answers.
std::string timeline_text(const std::string& json);

}  // namespace weft::app
