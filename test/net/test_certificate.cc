#include "net/test_certificate.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>

#include <cstdio>
#include <fstream>
#include <memory>

#include "weft/base/result.h"

namespace weft::net::testing {

namespace {

constexpr long lifetime_s = 3600;

template <auto Free>
struct deleter {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
using key_ptr = std::unique_ptr<EVP_PKEY, deleter<EVP_PKEY_free>>;
using certificate_ptr = std::unique_ptr<X509, deleter<X509_free>>;
using file_ptr = std::unique_ptr<std::FILE, deleter<std::fclose>>;

file_ptr open_file(const std::string& path) { return file_ptr(std::fopen(path.c_str(), "w")); }

}  // namespace

TestCertificate::TestCertificate(const std::string& name) {
  std::string pattern = std::filesystem::temp_directory_path() / "weft-tls-XXXXXX";
  WEFT_CHECK(::mkdtemp(pattern.data()) != nullptr);
  directory_ = pattern;
  renew(name);
}

TestCertificate::~TestCertificate() { std::filesystem::remove_all(directory_); }

void TestCertificate::renew(const std::string& name) {
  const key_ptr key(EVP_EC_gen("P-256"));
  const certificate_ptr made(X509_new());
  X509_set_version(made.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(made.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(made.get()), 0);
  X509_gmtime_adj(X509_getm_notAfter(made.get()), lifetime_s);
  X509_set_pubkey(made.get(), key.get());
  X509_NAME* subject = X509_get_subject_name(made.get());
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  X509_set_issuer_name(made.get(), subject);
  WEFT_CHECK(X509_sign(made.get(), key.get(), EVP_sha256()) != 0);
  PEM_write_X509(open_file(certificate()).get(), made.get());
  PEM_write_PrivateKey(open_file(this->key()).get(), key.get(), nullptr, nullptr, 0, nullptr,
                       nullptr);
  char passphrase[] = "secret";
  PEM_write_PrivateKey(open_file(encrypted_key()).get(), key.get(), EVP_aes_128_cbc(),
                       reinterpret_cast<unsigned char*>(passphrase), 6, nullptr, nullptr);
}

std::string TestCertificate::file(const std::string& name, const std::string& content) const {
  const std::string path = directory_ / name;
  std::ofstream(path) << content;
  return path;
}

}  // namespace weft::net::testing
