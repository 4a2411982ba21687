#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace weft::base {

enum class severity { trace, debug, info, warn, error };

/// One named value of an event.
using event_field = std::pair<std::string_view, std::string>;

/// Where modules report what happened: a name such as "edit.committed" and its fields. Injected, so
/// that a simulation can record it and no module owns a logger. Threading: any thread.
class Events {
 public:
  virtual ~Events() = default;

  /// Ask before building costly fields.
  virtual bool wants(severity level) const = 0;

  virtual void report(severity level, std::string_view name,
                      std::initializer_list<event_field> fields) = 0;
};

}  // namespace weft::base
