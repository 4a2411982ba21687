#pragma once

#include <functional>
#include <optional>
#include <string>

#include "weft/base/executor.h"
#include "weft/gateway/http/api.h"
#include "weft/gateway/http/state_response.h"

namespace weft::gateway::http {

/// Which state a request asks for, and what its client has.
struct StateQuery {
  base::DocumentId document;
  std::optional<hub::VersionName> at;  ///< none: the present
  std::optional<TagList> known;
  std::string representation;  ///< tells apart what one version is shown as
};

/// Reads `at` and If-None-Match. Errors: std::errc::invalid_argument.
base::result<StateQuery> state_query(const Exchange& exchange, const base::DocumentId& document);

using located_callback = std::move_only_function<void(const hub::Located&)>;

/// Finds a version in the log and goes on with `done` on the connection's executor. Where the log
/// does not have it, or not any more, the exchange is answered and `done` dropped.
void with_version(Api& api, const exchange_ptr& exchange, const base::DocumentId& document,
                  const hub::VersionName& version, located_callback done);

using state_callback = std::move_only_function<void(const StateStamp&, base::shared_bytes)>;

/// Finds the state and hands it to `done`, compacted, on any executor. Where there is nothing to
/// hand over (an error, a client that has it already) the exchange is answered and `done` dropped.
void with_state(Api& api, const exchange_ptr& exchange, StateQuery query, state_callback done);

using view_callback = std::move_only_function<void(const StateStamp&, hub::DocumentView)>;

/// The same for the present as it lies in memory; `query.at` does not count.
void with_view(Api& api, const exchange_ptr& exchange, StateQuery query, view_callback done);

}  // namespace weft::gateway::http
