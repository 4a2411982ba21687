#include "net/tls_client.h"

#include <openssl/err.h>

#include <utility>

namespace weft::net::testing {

TlsClient::TlsClient(const TlsClientOptions& options) : context_(SSL_CTX_new(TLS_client_method())) {
  SSL_CTX_set_min_proto_version(context_, options.version_min);
  SSL_CTX_set_max_proto_version(context_, options.version_max);
  // Versions that Debian's default level forbids are to be refused by the server.
  SSL_CTX_set_security_level(context_, 0);
  ssl_ = SSL_new(context_);
  SSL_set_bio(ssl_, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  SSL_set_connect_state(ssl_);
  if (!options.alpn.empty()) {
    SSL_set_alpn_protos(ssl_, reinterpret_cast<const unsigned char*>(options.alpn.data()),
                        static_cast<unsigned>(options.alpn.size()));
  }
}

TlsClient::TlsClient(TlsClient&& other) noexcept
    : context_(std::exchange(other.context_, nullptr)),
      ssl_(std::exchange(other.ssl_, nullptr)),
      state_(other.state_),
      records_(other.records_) {}

TlsClient::~TlsClient() {
  SSL_free(ssl_);
  SSL_CTX_free(context_);
}

void TlsClient::feed(std::string_view ciphertext) {
  BIO_write(SSL_get_rbio(ssl_), ciphertext.data(), static_cast<int>(ciphertext.size()));
}

std::string TlsClient::take() {
  std::string out(BIO_ctrl_pending(SSL_get_wbio(ssl_)), '\0');
  if (!out.empty()) BIO_read(SSL_get_wbio(ssl_), out.data(), static_cast<int>(out.size()));
  return out;
}

void TlsClient::note(int result) {
  switch (SSL_get_error(ssl_, result)) {
    case SSL_ERROR_NONE:
    case SSL_ERROR_WANT_READ:
      break;
    case SSL_ERROR_ZERO_RETURN:
      state_ = state::ended;
      break;
    default:
      state_ = state::failed;
  }
  ERR_clear_error();
}

bool TlsClient::handshake() {
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_);
  if (result != 1) note(result);
  return result == 1;
}

void TlsClient::write(std::string_view plaintext) {
  if (plaintext.empty()) return;
  ERR_clear_error();
  note(SSL_write(ssl_, plaintext.data(), static_cast<int>(plaintext.size())));
}

std::string TlsClient::read() {
  std::string out;
  while (true) {
    char piece[16384];
    ERR_clear_error();
    const int count = SSL_read(ssl_, piece, sizeof piece);
    if (count <= 0) {
      note(count);
      return out;
    }
    ++records_;
    out.append(piece, static_cast<std::size_t>(count));
  }
}

void TlsClient::close_notify() {
  ERR_clear_error();
  SSL_shutdown(ssl_);
  ERR_clear_error();
}

}  // namespace weft::net::testing
