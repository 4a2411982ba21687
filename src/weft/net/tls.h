#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "weft/base/bytes.h"
#include "weft/base/result.h"

struct ssl_st;
struct ssl_ctx_st;

/// TLS as a transformation of bytes: no sockets, no threads, no clock. OpenSSL stays in tls.cc.
namespace weft::net {

enum class tls_version : std::uint8_t { v1_2, v1_3 };

struct TlsOptions {
  std::string certificate;  ///< PEM file: the server's certificate, then its chain; empty: no TLS
  std::string key;          ///< PEM file with the private key, without a passphrase
  tls_version version_min = tls_version::v1_2;

  bool enabled() const { return !certificate.empty(); }
};

/// A certificate, its key and the rules of the handshake; shared by the connections that began
/// under it. Renegotiation, compression and early data are off; sessions are resumed by tickets, so
/// the server keeps none; of ALPN's protocols "http/1.1" is spoken.
/// Threading: immutable, any thread.
class TlsContext {
 public:
  /// Reads the files. Errors: certificate; the message names the file and what is wrong with it.
  static base::result<std::shared_ptr<const TlsContext>> load(const TlsOptions& options);

  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  /// When the certificate ends, in seconds since 1970.
  std::int64_t expires_s() const { return expires_s_; }

 private:
  friend class TlsStream;
  explicit TlsContext(ssl_ctx_st* context) : context_(context) {}

  ssl_ctx_st* context_;
  std::int64_t expires_s_ = 0;
};

/// The server's end of one TLS connection.
///
/// Everything that is fed is decrypted at once, so nothing readable ever waits in here where epoll
/// does not see it. Whatever is to be sent is collected in unsent(). While idle it holds what
/// OpenSSL keeps for a connection, but no buffers.
/// Thread: any one at a time.
class TlsStream {
 public:
  explicit TlsStream(const TlsContext& context);
  ~TlsStream();
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;

  /// The largest record with its header, and a little.
  static constexpr std::size_t record_bytes_max = 17 * 1024;
  static constexpr std::size_t record_payload_bytes_max = 16 * 1024;

  enum class state : std::uint8_t {
    open,
    ended,   ///< the peer has sent close_notify: nothing comes any more
    failed,  ///< the handshake or a record was bad; unsent() may hold an alert that says so
  };
  struct decrypted {
    state what = state::open;
    std::size_t bytes = 0;
  };

  /// Takes in all of `ciphertext` and writes what it says to `out`, which has room for
  /// ciphertext.size() + record_bytes_max bytes. `out` may lie in front of `ciphertext` in one
  /// buffer when at least record_bytes_max bytes are between their beginnings.
  decrypted feed(base::byte_view ciphertext, std::uint8_t* out);

  /// Adds the records of `plaintext` (not empty) to unsent(). False when the connection is broken.
  bool seal(base::byte_view plaintext);

  /// Adds close_notify to unsent().
  void finish();

  /// What is to be sent next. The owner takes bytes off its front.
  base::byte_vector& unsent() { return wire_.out; }

  bool handshaking() const { return handshaking_; }
  /// Whether anything was ever fed.
  bool heard() const { return heard_; }

 private:
  struct Wire {
    base::byte_view in;
    base::byte_vector out;
  };
  friend struct WireBio;

  ssl_st* ssl_;
  Wire wire_;
  bool heard_ = false;
  bool handshaking_ = true;
};

}  // namespace weft::net
