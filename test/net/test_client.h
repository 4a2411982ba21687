#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "net/tls_client.h"
#include "weft/net/unique_fd.h"
#include "weft/net/websocket_frame.h"

namespace weft::net::testing {

/// A client on a blocking socket, as simple as it can be. Every read fails after ten seconds. With
/// TLS it handshakes when it first has something to say or to hear.
class TestClient {
 public:
  explicit TestClient(std::uint16_t port, int receive_buffer_bytes = 0);
  TestClient(std::uint16_t port, const TlsClientOptions& tls, int receive_buffer_bytes = 0);

  void send(std::string_view bytes);
  /// Sends what the socket takes without waiting; returns how much that was.
  std::size_t send_some(std::string_view bytes);
  std::string read(std::size_t size);
  std::string read_until(std::string_view end);
  /// Whether the server ends the connection now, without another byte.
  bool at_end();
  /// With TLS: whether the handshake succeeds.
  bool handshake();
  TlsClient& tls() { return *tls_; }
  /// Sends what TLS has to say in pieces of so many bytes from now on.
  void set_piece_bytes(std::size_t bytes) { piece_bytes_ = bytes; }
  /// Sends what TLS has to say.
  void pump();

  struct response {
    unsigned status = 0;
    std::string head;
    std::string body;
  };
  response read_response(bool has_body = true);
  response request(std::string_view text) {
    send(text);
    return read_response();
  }
  response get(std::string_view target);

  /// Sends the handshake with more headers ("Name: value\r\n"); true for a 101.
  bool upgrade(std::string_view target, std::string_view behind = {},
               std::string_view headers = {});
  /// The head of the response to it.
  const std::string& upgrade_head() const { return upgrade_head_; }
  void send_frame(opcode code, std::string_view payload, bool fin = true);
  struct frame {
    opcode code = opcode::continuation;
    std::string payload;
    bool deflated = false;
  };
  frame read_frame();
  /// The code of the close frame that comes next; 0 when something else comes.
  std::uint16_t read_close();

  static std::string encode(opcode code, std::string_view payload, bool fin = true,
                            bool deflated = false);

  int fd() const { return fd_.get(); }
  unique_fd release() { return std::move(fd_); }

 private:
  bool receive();
  bool receive_into(std::string& out);
  void send_raw(std::string_view bytes);
  unique_fd fd_;
  std::unique_ptr<TlsClient> tls_;
  std::size_t piece_bytes_ = 0;
  std::string received_;
  std::string upgrade_head_;
};

/// Waits until `condition` holds; false after ten seconds.
bool eventually(const std::function<bool()>& condition);

}  // namespace weft::net::testing
