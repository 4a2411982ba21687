#pragma once

#include <openssl/ssl.h>

#include <functional>
#include <string>
#include <string_view>

namespace weft::net::testing {

struct TlsClientOptions {
  int version_min = TLS1_2_VERSION;
  int version_max = TLS1_3_VERSION;
  std::string alpn;  ///< in wire form: "\x08http/1.1"
};

/// The client's end of TLS over bytes that a test moves itself.
class TlsClient {
 public:
  explicit TlsClient(const TlsClientOptions& options = {});
  ~TlsClient();
  TlsClient(TlsClient&& other) noexcept;
  TlsClient& operator=(TlsClient&&) = delete;

  /// Takes bytes of the network in.
  void feed(std::string_view ciphertext);
  /// Bytes for the network.
  std::string take();

  enum class state { open, ended, failed };
  /// Goes on with the handshake; whether it is done.
  bool handshake();
  state state_now() const { return state_; }
  void write(std::string_view plaintext);
  /// What was said so far; sets state_now().
  std::string read();
  void close_notify();

  SSL* ssl() const { return ssl_; }
  /// How many records with application data came.
  int records() const { return records_; }

 private:
  void note(int result);

  SSL_CTX* context_ = nullptr;
  SSL* ssl_ = nullptr;
  state state_ = state::open;
  int records_ = 0;
};

}  // namespace weft::net::testing
