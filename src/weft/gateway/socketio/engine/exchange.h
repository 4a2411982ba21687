#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "weft/base/executor.h"
#include "weft/net/http.h"

namespace weft::gateway::socketio::engine {

/// Why a request is refused; the numbers are the protocol's.
enum class refusal : std::uint8_t {
  unknown_transport = 0,
  unknown_session = 1,
  bad_handshake_method = 2,
  bad_request = 3,
  forbidden = 4,
  unsupported_version = 5,
};

/// The response that tells a client so: 403 when it is forbidden, else 400.
net::HttpResponse refusal_response(refusal why);

/// A request that waits for its answer on its session's loop, wherever its connection lives.
///
/// Threading: one thread at a time; the answer finds its way to the connection's own. Destroyed
/// unanswered it answers 500.
class Exchange {
 public:
  /// `headers` go with whatever the answer is.
  Exchange(net::HttpResponder responder, std::vector<net::HttpHeader> headers)
      : responder_(std::make_unique<net::HttpResponder>(std::move(responder))),
        headers_(std::move(headers)) {}
  ~Exchange();
  Exchange(Exchange&&) noexcept = default;
  Exchange& operator=(Exchange&&) = delete;

  /// Once.
  void respond(net::HttpResponse response);
  void refuse(refusal why) { respond(refusal_response(why)); }
  /// 200 with this text.
  void answer(std::string_view text);

  /// True when nobody waits any more.
  bool abandoned() const { return !responder_ || responder_->abandoned(); }

 private:
  std::unique_ptr<net::HttpResponder> responder_;
  std::vector<net::HttpHeader> headers_;
};

}  // namespace weft::gateway::socketio::engine
