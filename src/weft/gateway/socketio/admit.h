#pragma once

#include <functional>
#include <memory>

#include "weft/gateway/socketio/protocol/connection.h"
#include "weft/gateway/socketio/wire.h"
#include "weft/hub/authorizer.h"

/// How clients are let into the namespaces of this gateway.
namespace weft::gateway::socketio {

/// Sends a client away; `data` of its connect_error says why, as of any refusal.
void refuse(protocol::Admission& admission, const Refusal& why);

/// Makes who is behind a namespace for a client that may do what the permit says.
using handler_maker =
    std::move_only_function<std::unique_ptr<protocol::SocketHandler>(hub::Permit permit)>;

/// Lets a client in once `authorizer` permits what is asked, or sends it away; nullptr permits
/// everything at once. The session's executor, from inside protocol::Namespaces::on_connect.
void admit(hub::Authorizer* authorizer, hub::AuthorizationRequest question,
           protocol::Admission admission, handler_maker make);

}  // namespace weft::gateway::socketio
