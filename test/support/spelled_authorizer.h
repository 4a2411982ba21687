#pragma once

#include <atomic>
#include <charconv>
#include <string>
#include <vector>

#include "weft/hub/authorizer.h"
#include "weft/hub/errc.h"

namespace weft::testing {

/// Takes tokens that say what they permit: "rwac:ada" is Ada, who may read, write, show presence
/// and send control messages; "r:ada:50" may read for 50 ms. Others are no good.
///
/// Threading: any, except for hold and release.
class SpelledAuthorizer final : public hub::Authorizer {
 public:
  void authorize(hub::AuthorizationRequest request, base::Executor& executor,
                 log::callback<hub::Permit> done) override {
    ++asked;
    auto permit = permit_of(request.token, executor.now());
    auto answer = [permit = std::move(permit), done = std::move(done)]() mutable {
      done(std::move(permit));
    };
    if (hold) {
      held_.push_back(std::move(answer));
    } else {
      executor.post(std::move(answer));
    }
  }

  /// Gives the answers that were held back, in this order.
  void release(base::Executor& executor) {
    for (auto& answer : std::exchange(held_, {})) executor.post(std::move(answer));
  }

  bool hold = false;
  std::atomic<int> asked{0};

 private:
  static base::result<hub::Permit> permit_of(const std::string& token, base::monotonic_time now) {
    const auto colon = token.find(':');
    if (colon == std::string::npos) {
      return base::fail(hub::errc::unauthenticated, "\"" + token + "\" is no token");
    }
    const auto letters = token.substr(0, colon);
    const auto may = [&](char right) { return letters.find(right) != std::string::npos; };
    hub::Permit out{{}, {may('r'), may('w'), may('a'), may('c')}};
    out.identity = token.substr(colon + 1);
    if (const auto second = out.identity.find(':'); second != std::string::npos) {
      int left_ms = 0;
      const char* const end = out.identity.data() + out.identity.size();
      std::from_chars(out.identity.data() + second + 1, end, left_ms);
      out.expires = now + std::chrono::milliseconds(left_ms);
      out.identity.resize(second);
    }
    return out;
  }

  std::vector<base::task> held_;
};

}  // namespace weft::testing
