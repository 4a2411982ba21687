#include "weft/gateway/socketio/admit.h"

namespace weft::gateway::socketio {

void refuse(protocol::Admission& admission, const Refusal& why) {
  admission.refuse(why.message, refusal_object(why));
}

void admit(hub::Authorizer* authorizer, hub::AuthorizationRequest question,
           protocol::Admission admission, handler_maker make) {
  if (!authorizer) return admission.accept(make({}));
  auto& executor = admission.executor();
  hub::authorize(*authorizer, std::move(question), executor,
                 [make = std::move(make),
                  admission = std::move(admission)](base::result<hub::Permit> permit) mutable {
                   if (!permit) return refuse(admission, refusal_of(permit.error()));
                   admission.accept(make(std::move(*permit)));
                 });
}

}  // namespace weft::gateway::socketio
