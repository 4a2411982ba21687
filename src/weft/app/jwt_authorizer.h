#pragma once

#include <memory>
#include <string>

#include "weft/hub/authorizer.h"

namespace weft::app {

/// What clients without a token may do.
enum class anonymous_rights : std::uint8_t { none, read, write };

struct AuthorizationOptions {
  bool enabled = false;             ///< off: everybody may do everything
  std::string key_file;             ///< PEM public key, or the secret of an HS algorithm
  std::string algorithm = "HS256";  ///< the only one that tokens are taken in
  std::string audience;  ///< what `aud` must name; empty: tokens that have one are refused
  anonymous_rights anonymous = anonymous_rights::none;
};

/// Permits by JSON Web Tokens (RFC 7519) that somebody else signs.
///
/// `sub` is the identity, `exp`, `nbf` and `aud` are as the RFC has them, and the claim `weft` says
/// what is allowed: `{"documents": [{"room": "r", "document": "d", "rights": ["read", "write"]}],
/// "list": true}`. `roomPrefix` and `documentPrefix` stand for all names that begin so. Without
/// `document` all of the room are meant, without `rights` all rights; an entry without a room, or
/// with a member that is none of these, grants nothing. The rights of all entries that fit add up.
/// Source: docs/operations.md, "Who may do what".
class JwtAuthorizer final : public hub::Authorizer {
 public:
  /// Reads the key, and sees that the algorithm can use it. Errors: config.
  static base::result<std::unique_ptr<JwtAuthorizer>> open(const AuthorizationOptions& options);

  void authorize(hub::AuthorizationRequest request, base::Executor& executor,
                 log::callback<hub::Permit> done) override;

  /// The permit that a request deserves at this time. Pure.
  /// Errors: unauthenticated.
  base::result<hub::Permit> judge(const hub::AuthorizationRequest& request,
                                  base::monotonic_time now, std::int64_t wall_clock_ms) const;

 private:
  JwtAuthorizer(std::string key, int algorithm, std::string audience, hub::Rights anonymous)
      : key_(std::move(key)),
        algorithm_(algorithm),
        audience_(std::move(audience)),
        anonymous_(anonymous) {}

  const std::string key_;
  const int algorithm_;  ///< jwt_alg_t
  const std::string audience_;
  const hub::Rights anonymous_;
};

}  // namespace weft::app
