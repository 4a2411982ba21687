#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "weft/gateway/cors.h"
#include "weft/gateway/http/problem.h"
#include "weft/hub/authorizer.h"
#include "weft/net/http.h"

namespace weft::gateway::http {

/// One request on its way to its answer: what handlers pass along while they wait for hubs, log
/// and workers.
///
/// Threading: the request may be read on any thread; answer() may be called on any, once.
/// Destroyed unanswered it answers 500.
class Exchange {
 public:
  Exchange(net::HttpRequest request, net::HttpResponder responder, const Cors& cors)
      : request_(std::move(request)), responder_(std::move(responder)), cors_(cors) {}
  ~Exchange();
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  const net::HttpRequest& request() const { return request_; }
  /// Takes the request's body out.
  base::byte_vector take_body() { return std::move(request_.body); }
  /// The connection's executor.
  base::Executor& executor() const { return responder_.executor(); }

  void answer(net::HttpResponse response);
  void refuse(const ProblemType& type, std::string_view detail) { answer(problem(type, detail)); }
  void fail(const base::error& why) { answer(problem_of(why)); }

  /// The token of the Authorization header ("Bearer …") or, for who cannot send one, of the query's
  /// parameter `token`; empty: none.
  std::string token() const;

  /// What the client may do, once that is known.
  const hub::Permit& permit() const { return permit_; }
  void allow(hub::Permit permit) { permit_ = std::move(permit); }

  /// A whole number among the query's parameters, `fallback` when it is not there.
  /// Errors: std::errc::invalid_argument.
  base::result<std::uint64_t> number(std::string_view name, std::uint64_t fallback,
                                     std::uint64_t least, std::uint64_t most) const;

  /// A text among the query's parameters: UTF-8 of at most `bytes_max` bytes; none when it is not
  /// there. Errors: std::errc::invalid_argument.
  base::result<std::optional<std::string>> text(std::string_view name, std::size_t bytes_max) const;

 private:
  net::HttpRequest request_;
  net::HttpResponder responder_;
  const Cors& cors_;
  hub::Permit permit_;
  bool answered_ = false;
};

using exchange_ptr = std::shared_ptr<Exchange>;

}  // namespace weft::gateway::http
