#pragma once

#include <string>

#include "weft/net/connection.h"
#include "weft/net/http.h"

/// Internal to net.
namespace weft::net {

/// A connection that speaks HTTP: one request at a time; what a client pipelines waits.
class HttpConnection final : public Connection, public HttpResponseTarget, public HttpStream {
 public:
  /// `from_proxy`: X-Forwarded-For is believed.
  HttpConnection(LoopConnections& shared, StreamSocket socket, AddressSlot slot, bool from_proxy);

  void start() override;
  void on_io(std::uint32_t events) override;
  void on_flush() override;
  void on_bulk() override;
  void on_sweep(base::monotonic_time now) override;
  void drain(std::uint16_t code, std::string_view reason) override;
  void abort() override { end(); }
  base::monotonic_time partial_since() const override;
  void shed() override;

  void respond(std::uint64_t request, HttpResponse response) override;
  void watch_peer(std::uint64_t request) override;

  void want_write() override;
  void finish() override;
  base::Executor& executor() override { return shared_.loop; }

 private:
  enum class phase : std::uint8_t {
    reading,    ///< waits for a request
    handling,   ///< a handler has it
    writing,    ///< the response is on its way
    lingering,  ///< all is sent; reads on so that the peer gets it before a reset
  };

  void advance();
  void on_partial_request();
  void dispatch(HttpRequest request);
  void upgrade(const HttpRequest& request, const std::string& accept_key);
  bool take_slot(const HttpRequest& request);
  void tell_kept();
  void refuse(unsigned status, std::string_view message);
  void add_source_bytes();
  // Streams (http_connection_stream.cc).
  void open_stream(std::unique_ptr<HttpStreamBody> stream);
  void close_stream();
  void add_stream_bytes();
  void on_input_while_answering();
  void after_send(sent outcome);
  void finish_response();
  void end();
  void expire_after(std::chrono::nanoseconds delay);

  HttpRequestParser parser_;
  base::byte_vector input_;  ///< not yet consumed by the parser
  std::vector<base::shared_bytes> output_;
  std::unique_ptr<HttpBodySource> source_;
  std::uint64_t source_left_ = 0;
  std::unique_ptr<HttpStreamBody> stream_;
  std::uint64_t request_ = 0;  ///< the ordinal of the request in progress
  base::monotonic_time deadline_{};
  base::monotonic_time request_began_{};
  std::size_t request_bytes_ = 0;  ///< that came of an unfinished request
  phase phase_ = phase::reading;
  const bool from_proxy_;
  bool request_started_ = false;
  bool header_seen_ = false;
  bool keep_alive_ = true;
  bool head_only_ = false;
  bool watches_peer_ =
      false;             ///< a client that ends its half while a handler has its request is gone
  bool chunked_ = true;  ///< how a stream is framed; else the connection's end is its end
  bool wants_gather_ = false;
  bool finishing_ = false;
};

}  // namespace weft::net
