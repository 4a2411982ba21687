#include "weft/hub/authorizer.h"

#include "weft/hub/errc.h"

namespace weft::hub {

void authorize(Authorizer& authorizer, AuthorizationRequest request, base::Executor& executor,
               log::callback<Permit> done) {
  if (request.token.size() > token_bytes_max) {
    return executor.post([done = std::move(done)]() mutable {
      done(base::fail(errc::unauthenticated,
                      "token: longer than " + std::to_string(token_bytes_max) + " bytes"));
    });
  }
  authorizer.authorize(
      std::move(request), executor, [done = std::move(done)](base::result<Permit> permit) mutable {
        if (permit && permit->identity.size() > permit_identity_bytes_max) {
          return done(base::fail(errc::unavailable,
                                 "the authorizer gave an identity of " +
                                     std::to_string(permit->identity.size()) + " bytes; at most " +
                                     std::to_string(permit_identity_bytes_max) + " are taken"));
        }
        if (permit && permit->rights == Rights{false, false, false, false}) {
          return done(base::fail(errc::forbidden, "nothing is allowed here"));
        }
        done(std::move(permit));
      });
}

base::result<void> check_permit(const Permit& permit, bool Rights::* right, std::string_view what,
                                base::monotonic_time now) {
  if (permit.expires <= now) {
    return base::fail(errc::expired, "the permission has expired; come with a new token");
  }
  if (!(permit.rights.*right)) {
    return base::fail(errc::forbidden,
                      (permit.identity.empty() ? "whoever has no identity" : permit.identity) +
                          " may not " + std::string(what));
  }
  return {};
}

}  // namespace weft::hub
