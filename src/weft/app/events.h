#pragma once

#include <memory>
#include <string>

#include "weft/base/events.h"

namespace weft::app {

/// Sends events to standard error: `name key=value …` for people, one JSON object a line for
/// machines. Process-wide, once, before events are made.
void set_up_logging(const std::string& level, bool json);

/// Events that go to what set_up_logging chose.
std::unique_ptr<base::Events> make_events();

}  // namespace weft::app
