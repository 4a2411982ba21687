#pragma once

#include <initializer_list>
#include <memory>
#include <optional>
#include <span>

#include "weft/base/bytes.h"
#include "weft/net/websocket_frame.h"

/// The payloads of permessage-deflate (RFC 7692, section 7.2), without context from one message to
/// the next. zlib stays in deflate.cc.
namespace weft::net {

/// Inflates one message after another; its memory (about 40 KiB and the buffer of the latest
/// message) is shared by all connections of a loop, because none of them keeps a context.
/// Thread: any one at a time.
class Inflater {
 public:
  Inflater();
  ~Inflater();
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  enum class outcome : std::uint8_t {
    done,
    too_big,  ///< more than bytes_max would come out; no more than that was made
    broken,   ///< not what a deflater makes
  };
  struct inflated {
    outcome what = outcome::done;
    base::byte_view bytes;  ///< valid until the next call
  };

  /// `payload` is a whole message's, as it came.
  inflated inflate(base::byte_view payload, std::size_t bytes_max);

  /// Frees the buffer of the latest message unless it is small.
  void release();

  std::size_t buffered_bytes() const { return out_.capacity(); }

 private:
  struct Stream;
  outcome run(base::byte_view input, std::size_t bytes_max);

  std::unique_ptr<Stream> stream_;
  base::byte_vector out_;
  std::size_t size_ = 0;  ///< of the message so far, in out_
};

/// Deflates the parts of one message to `out`; the length, or none when it does not fit: then it is
/// not worth it. Memory during the call: up to 270 KiB, less for less. Any thread.
std::optional<std::size_t> deflate_message(std::initializer_list<base::byte_view> parts,
                                           std::span<std::uint8_t> out);

/// Writes a whole compressed frame (unmasked, unfragmented) to `out`; its length, or none when it
/// does not fit. A caller that gives no more room than a plain frame takes gets no larger one.
std::optional<std::size_t> write_deflated_frame(opcode code,
                                                std::initializer_list<base::byte_view> parts,
                                                std::span<std::uint8_t> out);

}  // namespace weft::net
