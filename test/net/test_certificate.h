#pragma once

#include <filesystem>
#include <string>

#include "weft/net/tls.h"

namespace weft::net::testing {

/// A self-signed certificate (P-256) for "localhost" in files of a directory of its own, which goes
/// with this object.
class TestCertificate {
 public:
  explicit TestCertificate(const std::string& name = "localhost");
  ~TestCertificate();
  TestCertificate(const TestCertificate&) = delete;
  TestCertificate& operator=(const TestCertificate&) = delete;

  /// Writes another certificate into the same files.
  void renew(const std::string& name);

  TlsOptions options() const { return {.certificate = certificate(), .key = key()}; }
  std::string certificate() const { return directory_ / "certificate.pem"; }
  std::string key() const { return directory_ / "key.pem"; }
  /// The same key, but encrypted.
  std::string encrypted_key() const { return directory_ / "encrypted.pem"; }
  /// A new file in the directory.
  std::string file(const std::string& name, const std::string& content) const;

 private:
  std::filesystem::path directory_;
};

}  // namespace weft::net::testing
