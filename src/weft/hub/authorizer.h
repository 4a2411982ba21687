#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "weft/base/executor.h"
#include "weft/base/ids.h"
#include "weft/log/op_log.h"

namespace weft::hub {

/// What somebody may do with a document.
struct Rights {
  bool read = true;  ///< join, read state and history, hear events
  bool write = true;
  bool awareness = true;  ///< be seen by others
  bool control = true;    ///< send control messages

  friend bool operator==(const Rights&, const Rights&) = default;
};

/// An authorizer's answer: who it is and what is allowed, until when.
struct Permit {
  std::string identity;  ///< stands in every record of theirs; empty: anonymous
  Rights rights;
  base::monotonic_time expires = base::monotonic_time::max();
};

/// Who asks, as far as a gateway can tell.
struct AuthorizationRequest {
  std::optional<base::DocumentId> document;  ///< none: what concerns no single one, as their list
  std::string token;                         ///< as the client sent it; empty: none
  std::string sender_id;                     ///< as the client calls itself: a claim, never a proof
};

/// The authorization hook: decides what a client may do with a document. Gateways ask it whenever a
/// document is joined or asked for something, and again when a client brings a new token; the hub
/// holds the client to the answer.
///
/// It answers within a time of its own: until then the client is kept waiting, with little memory,
/// and nothing else gives up on the question. `done` is answered or destroyed while its executor
/// lives.
/// Threading: any thread; `done` runs on the executor passed in, once, never inside the call.
/// Errors: unauthenticated (the token is no good), forbidden (it is, but not for this document);
/// all others mean that it cannot be said now, and that the client may ask again.
class Authorizer {
 public:
  virtual ~Authorizer() = default;

  virtual void authorize(AuthorizationRequest request, base::Executor& executor,
                         log::callback<Permit> done) = 0;
};

/// How long an identity may be.
inline constexpr std::size_t permit_identity_bytes_max = 1024;
/// How long a token may be; gateways do not even keep a longer one.
inline constexpr std::size_t token_bytes_max = 8192;

/// Asks `authorizer`; never for a token that is too long. Refuses a permit that breaks the contract
/// or allows nothing at all.
void authorize(Authorizer& authorizer, AuthorizationRequest request, base::Executor& executor,
               log::callback<Permit> done);

/// Refuses what is not allowed, or not any more. Errors: expired, forbidden; `what` is "read it".
base::result<void> check_permit(const Permit& permit, bool Rights::* right, std::string_view what,
                                base::monotonic_time now);

}  // namespace weft::hub
