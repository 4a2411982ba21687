#include "weft/gateway/http/client.h"

#include <openssl/pem.h>
#include <openssl/x509.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <memory>

namespace weft::gateway::http {

namespace {

namespace asio = boost::asio;
namespace beast_http = boost::beast::http;
using boost::system::error_code;

std::unexpected<base::error> fail(std::string why) {
  return std::unexpected(base::error{std::make_error_code(std::errc::io_error), std::move(why)});
}

struct free_certificate {
  void operator()(X509* certificate) const { X509_free(certificate); }
};
using certificate_ptr = std::unique_ptr<X509, free_certificate>;

/// The first certificate of a PEM file, or nothing.
certificate_ptr read_certificate(const std::string& file) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> bio(BIO_new_file(file.c_str(), "r"), BIO_free);
  return certificate_ptr(bio ? PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr) : nullptr);
}

/// One question and its answer over a stream that is open.
template <typename Stream>
base::result<ClientResponse> ask(Stream& stream, const std::string& url, const std::string& host,
                                 const std::string& target, const std::string& body) {
  error_code failed;
  beast_http::request<beast_http::string_body> request(beast_http::verb::post, target, 11);
  request.set(beast_http::field::host, host);
  request.set(beast_http::field::content_type, "application/json");
  request.set(beast_http::field::connection, "close");
  request.body() = body;
  request.prepare_payload();
  beast_http::write(stream, request, failed);
  if (failed) return fail("cannot ask " + url + ": " + failed.message());
  boost::beast::flat_buffer buffer;
  beast_http::response<beast_http::string_body> response;
  beast_http::read(stream, buffer, response, failed);
  if (failed) return fail("no answer from " + url + ": " + failed.message());
  return ClientResponse{response.result_int(), std::move(response.body())};
}

}  // namespace

base::result<ClientResponse> post_json(const ServerAddress& server, const std::string& target,
                                       const std::string& body) {
  const bool over_tls = !server.certificate.empty();
  const std::string host = server.host + ":" + server.port;
  const std::string url = (over_tls ? "https://" : "http://") + host;
  error_code failed;
  asio::io_context context;
  asio::ip::tcp::socket socket(context);
  const auto addresses = asio::ip::tcp::resolver(context).resolve(server.host, server.port, failed);
  if (failed) return fail("cannot find " + url + ": " + failed.message());
  asio::connect(socket, addresses, failed);
  if (failed) return fail("cannot reach " + url + ": " + failed.message());
  if (!over_tls) return ask(socket, url, host, target, body);

  const auto expected = read_certificate(server.certificate);
  if (!expected)
    return fail(server.certificate + " holds no PEM certificate to know the server by");
  asio::ssl::context tls(asio::ssl::context::tls_client);
  // The handshake proves that the server has the key of the certificate that it shows; which
  // certificate that must be is known exactly, so that no authority is asked.
  tls.set_verify_mode(asio::ssl::verify_none);
  asio::ssl::stream<asio::ip::tcp::socket&> stream(socket, tls);
  stream.handshake(asio::ssl::stream_base::client, failed);
  if (failed) return fail("cannot speak TLS with " + url + ": " + failed.message());
  const certificate_ptr shown(SSL_get1_peer_certificate(stream.native_handle()));
  if (!shown || X509_cmp(shown.get(), expected.get()) != 0) {
    return fail(url + " shows another certificate than that in " + server.certificate +
                " (was it renewed without SIGHUP to the server?)");
  }
  return ask(stream, url, host, target, body);
}

}  // namespace weft::gateway::http
