// Responses without a size: chunks of what their body has to say whenever it has something.

#include <charconv>

#include "weft/net/flush_sink.h"
#include "weft/net/http_connection.h"

namespace weft::net {

namespace {

base::shared_bytes bytes_of(std::string_view text) {
  return base::shared_bytes::copy_of(base::as_bytes(text));
}

base::shared_bytes chunk_header(std::size_t bytes) {
  char text[20];
  auto* end = std::to_chars(text, text + sizeof text, bytes, 16).ptr;
  *end++ = '\r';
  *end++ = '\n';
  return bytes_of({text, static_cast<std::size_t>(end - text)});
}

}  // namespace

void HttpConnection::open_stream(std::unique_ptr<HttpStreamBody> stream) {
  stream_ = std::move(stream);
  wants_gather_ = false;
  finishing_ = false;
  stream_->on_open(*this);
  if (shared_.draining && stream_) stream_->on_drain();
}

void HttpConnection::close_stream() {
  const auto stream = std::move(stream_);
  if (stream) stream->on_closed();
}

void HttpConnection::want_write() {
  if (left() || !stream_) return;
  wants_gather_ = true;
  if (!blocked()) shared_.loop.request_flush(*this);
}

void HttpConnection::finish() {
  if (left() || !stream_) return;
  finishing_ = true;
  if (!blocked()) shared_.loop.request_flush(*this);
}

void HttpConnection::add_stream_bytes() {
  if (!stream_) return;
  auto& gathered = shared_.gathered;
  const std::size_t head = gathered.size();
  if (wants_gather_) {
    wants_gather_ = false;
    // Room for the chunk's own header, which is known only when its bytes are.
    if (chunked_) gathered.emplace_back();
    FlushSink sink(gathered);
    stream_->on_gather(sink);
    if (chunked_ && sink.bytes() > 0) {
      gathered[head] = chunk_header(sink.bytes());
      gathered.push_back(bytes_of("\r\n"));
    } else if (chunked_) {
      gathered.pop_back();
    }
    if (sink.bytes() > 0 || wants_gather_) return;
  }
  if (!finishing_) return;
  if (chunked_) gathered.push_back(bytes_of("0\r\n\r\n"));
  close_stream();
}

void HttpConnection::on_input_while_answering() {
  const auto moved = receive();
  if (moved.what == StreamSocket::outcome::would_block) return;
  if (moved.what != StreamSocket::outcome::done) return end();
  // A request behind this one: it waits, and so does whatever comes behind it.
  const auto bytes = shared_.loop.read_buffer().first(moved.bytes);
  input_.insert(input_.end(), bytes.begin(), bytes.end());
  update_interest(false);
}

}  // namespace weft::net
