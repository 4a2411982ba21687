#include "weft/net/tls.h"

#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <algorithm>
#include <cstring>
#include <ctime>
#include <new>

#include "weft/net/errc.h"
#include "weft/net/unique_fd.h"

namespace weft::net {

/// The BIO between OpenSSL and the bytes at hand: reads what was fed, collects what is written.
struct WireBio {
  static TlsStream::Wire& wire(BIO* bio) {
    return *static_cast<TlsStream::Wire*>(BIO_get_data(bio));
  }

  static int read(BIO* bio, char* out, int size) {
    BIO_clear_retry_flags(bio);
    base::byte_view& in = wire(bio).in;
    const std::size_t take = std::min(in.size(), static_cast<std::size_t>(size));
    if (take == 0) {
      BIO_set_retry_read(bio);
      return -1;
    }
    std::memcpy(out, in.data(), take);
    in = in.subspan(take);
    return static_cast<int>(take);
  }

  static int write(BIO* bio, const char* bytes, int size) {
    BIO_clear_retry_flags(bio);
    auto& out = wire(bio).out;
    out.insert(out.end(), bytes, bytes + size);
    return size;
  }

  static long control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

  static int create(BIO* bio) {
    BIO_set_init(bio, 1);
    return 1;
  }

  struct free_method {
    void operator()(BIO_METHOD* method) const { BIO_meth_free(method); }
  };

  static const BIO_METHOD* method() {
    static const std::unique_ptr<BIO_METHOD, free_method> made = [] {
      std::unique_ptr<BIO_METHOD, free_method> m(
          BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "weft"));
      if (!m) throw std::bad_alloc();
      BIO_meth_set_read(m.get(), read);
      BIO_meth_set_write(m.get(), write);
      BIO_meth_set_ctrl(m.get(), control);
      BIO_meth_set_create(m.get(), create);
      return m;
    }();
    return made.get();
  }
};

namespace {

constexpr unsigned char alpn_http[] = "\x08http/1.1";

int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_size,
                    const unsigned char* offered, unsigned int offered_size, void*) {
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_size, alpn_http, sizeof alpn_http - 1, offered,
                            offered_size) != OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

/// Nobody is there to type a passphrase; `seen` remembers that one was wanted.
int refuse_passphrase(char*, int, int, void* seen) {
  *static_cast<bool*>(seen) = true;
  return 0;
}

std::string openssl_reason() {
  const unsigned long code = ERR_peek_last_error();
  const char* reason = ERR_reason_error_string(code);
  ERR_clear_error();
  return reason != nullptr ? reason : "reason unknown";
}

std::unexpected<base::error> unusable(const char* key, const std::string& file,
                                      const std::string& why) {
  return base::fail(errc::certificate, std::string(key) + ": " + file + ": " + why);
}

/// OpenSSL's own words for a missing file are no help to anybody.
base::result<void> check_readable(const char* key, const std::string& file) {
  const unique_fd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd) return {};
  auto failed = fail_errno(errc::certificate, std::string(key) + ": cannot read " + file);
  return base::fail(std::move(failed.error()));
}

base::result<void> use_files(SSL_CTX* context, const TlsOptions& options) {
  if (auto ok = check_readable("tls.certificate", options.certificate); !ok) return ok;
  if (auto ok = check_readable("tls.key", options.key); !ok) return ok;
  ERR_clear_error();
  if (SSL_CTX_use_certificate_chain_file(context, options.certificate.c_str()) != 1) {
    return unusable("tls.certificate", options.certificate,
                    "holds no usable PEM certificate (" + openssl_reason() + ")");
  }
  bool wants_passphrase = false;
  SSL_CTX_set_default_passwd_cb(context, refuse_passphrase);
  SSL_CTX_set_default_passwd_cb_userdata(context, &wants_passphrase);
  const int used = SSL_CTX_use_PrivateKey_file(context, options.key.c_str(), SSL_FILETYPE_PEM);
  SSL_CTX_set_default_passwd_cb_userdata(context, nullptr);
  if (used == 1) return {};
  if (wants_passphrase) {
    return unusable("tls.key", options.key, "is encrypted; store the key without a passphrase");
  }
  const bool mismatch = ERR_GET_REASON(ERR_peek_last_error()) == X509_R_KEY_VALUES_MISMATCH ||
                        ERR_GET_REASON(ERR_peek_last_error()) == X509_R_KEY_TYPE_MISMATCH;
  if (ERR_GET_LIB(ERR_peek_last_error()) == ERR_LIB_X509 && mismatch) {
    ERR_clear_error();
    return unusable("tls.key", options.key,
                    "does not belong to the certificate in " + options.certificate);
  }
  return unusable("tls.key", options.key,
                  "holds no usable PEM private key (" + openssl_reason() + ")");
}

std::int64_t seconds_of(const ASN1_TIME* time) {
  std::tm parts{};
  return ASN1_TIME_to_tm(time, &parts) == 1 ? ::timegm(&parts) : 0;
}

}  // namespace

base::result<std::shared_ptr<const TlsContext>> TlsContext::load(const TlsOptions& options) {
  SSL_CTX* context = SSL_CTX_new(TLS_server_method());
  if (context == nullptr) return base::fail(errc::system, "cannot set up TLS: " + openssl_reason());
  std::shared_ptr<TlsContext> out(new TlsContext(context));
  SSL_CTX_set_min_proto_version(
      context, options.version_min == tls_version::v1_3 ? TLS1_3_VERSION : TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context, 1);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_alpn_select_cb(context, choose_protocol, nullptr);
  if (auto ok = use_files(context, options); !ok) return base::fail(std::move(ok.error()));
  out->expires_s_ = seconds_of(X509_get0_notAfter(SSL_CTX_get0_certificate(context)));
  return out;
}

TlsContext::~TlsContext() { SSL_CTX_free(context_); }

TlsStream::TlsStream(const TlsContext& context) : ssl_(SSL_new(context.context_)) {
  BIO* bio = ssl_ != nullptr ? BIO_new(WireBio::method()) : nullptr;
  if (bio == nullptr) {
    SSL_free(ssl_);
    throw std::bad_alloc();
  }
  BIO_set_data(bio, &wire_);
  SSL_set_bio(ssl_, bio, bio);
  SSL_set_accept_state(ssl_);
}

TlsStream::~TlsStream() { SSL_free(ssl_); }

TlsStream::decrypted TlsStream::feed(base::byte_view ciphertext, std::uint8_t* out) {
  heard_ = true;
  wire_.in = ciphertext;
  decrypted done;
  while (true) {
    ERR_clear_error();
    std::size_t count = 0;
    if (SSL_read_ex(ssl_, out + done.bytes, record_payload_bytes_max, &count) == 1) {
      done.bytes += count;
      continue;
    }
    switch (SSL_get_error(ssl_, 0)) {
      case SSL_ERROR_WANT_READ:
        break;
      case SSL_ERROR_ZERO_RETURN:
        done.what = state::ended;
        break;
      default:
        done.what = state::failed;
    }
    break;
  }
  WEFT_CHECK(done.what != state::open || wire_.in.empty());
  wire_.in = {};
  if (SSL_is_init_finished(ssl_) == 1) handshaking_ = false;
  ERR_clear_error();
  return done;
}

bool TlsStream::seal(base::byte_view plaintext) {
  ERR_clear_error();
  std::size_t count = 0;
  const int wrote = SSL_write_ex(ssl_, plaintext.data(), plaintext.size(), &count);
  ERR_clear_error();
  return wrote == 1 && count == plaintext.size();
}

void TlsStream::finish() {
  ERR_clear_error();
  // Fails while the handshake is under way, and then there is nothing to finish.
  SSL_shutdown(ssl_);
  ERR_clear_error();
}

}  // namespace weft::net
