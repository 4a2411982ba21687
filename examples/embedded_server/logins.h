#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "weft/hub/authorizer.h"

namespace weft::examples {

/// Who has logged in, and the authorization hook that asks for it: this program's own idea of
/// users.
///
/// Threading: any thread.
class Logins final : public hub::Authorizer {
 public:
  /// Gives out a token that is good for this name; none when too many have one.
  std::optional<std::string> log_in(const std::string& name, hub::Rights rights);

  /// True when there was such a token.
  bool log_out(const std::string& token);

  void authorize(hub::AuthorizationRequest request, base::Executor& executor,
                 log::callback<hub::Permit> done) override;

 private:
  base::result<hub::Permit> find(const std::string& token);

  std::mutex mutex_;
  std::unordered_map<std::string, hub::Permit> permits_;  ///< by token
};

}  // namespace weft::examples
