#include "weft/gateway/http/client.h"

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

namespace weft::gateway::http {

base::result<ClientResponse> post_json(const std::string& host, const std::string& port,
                                       const std::string& target, const std::string& body) {
  namespace asio = boost::asio;
  namespace beast_http = boost::beast::http;
  boost::system::error_code failed;
  const auto refuse = [&](const char* doing) {
    return std::unexpected(
        base::error{std::make_error_code(std::errc::io_error),
                    std::string(doing) + " http://" + host + ":" + port + ": " + failed.message()});
  };
  asio::io_context context;
  asio::ip::tcp::socket socket(context);
  const auto addresses = asio::ip::tcp::resolver(context).resolve(host, port, failed);
  if (failed) return refuse("cannot find");
  asio::connect(socket, addresses, failed);
  if (failed) return refuse("cannot reach");
  beast_http::request<beast_http::string_body> request(beast_http::verb::post, target, 11);
  request.set(beast_http::field::host, host + ":" + port);
  request.set(beast_http::field::content_type, "application/json");
  request.set(beast_http::field::connection, "close");
  request.body() = body;
  request.prepare_payload();
  beast_http::write(socket, request, failed);
  if (failed) return refuse("cannot ask");
  boost::beast::flat_buffer buffer;
  beast_http::response<beast_http::string_body> response;
  beast_http::read(socket, buffer, response, failed);
  if (failed) return refuse("no answer from");
  return ClientResponse{response.result_int(), std::move(response.body())};
}

}  // namespace weft::gateway::http
