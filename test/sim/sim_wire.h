#pragma once

#include <optional>

#include "weft/base/bytes.h"
#include "weft/hub/framing.h"

namespace weft::sim {

/// The wire of the simulation: `[type][length: 4 bytes LE][update]`.
class SimFraming final : public hub::Framing {
 public:
  std::size_t header_bytes_max() const override { return header_bytes; }
  std::size_t write_header(const hub::FrameInfo& info, std::uint8_t* out) const override;
  base::shared_bytes frame_awareness(base::byte_view awareness_update) const override;

  static constexpr std::size_t header_bytes = 5;
  static constexpr std::uint8_t awareness_type = 9;
};

/// The same, with updates deflated where that is shorter: `[type | deflated][length][deflated]`.
class DeflatedSimFraming final : public hub::Framing {
 public:
  std::size_t header_bytes_max() const override { return SimFraming::header_bytes; }
  std::size_t write_header(const hub::FrameInfo& info, std::uint8_t* out) const override;
  bool rewrites(std::size_t update_bytes) const override { return update_bytes >= 20; }
  std::size_t rewrite_at_once_bytes_max() const override { return 300; }
  std::optional<std::size_t> rewrite(yjs::sync_type type, base::byte_view update,
                                     std::uint8_t* out) const override;
  base::shared_bytes frame_awareness(base::byte_view awareness_update) const override;

  static constexpr std::uint8_t deflated = 0x40;
};

/// The same, with the version that each frame brings its reader to behind the length:
/// `[type | versioned][length][version + 1, or 0: 8 bytes LE][update]`; for clients that ask for
/// acknowledgements, `[acknowledgement][24][token][record + 1, or 0][version + 1, or 0]`.
class VersionedSimFraming final : public hub::Framing {
 public:
  std::size_t header_bytes_max() const override { return SimFraming::header_bytes + version_bytes; }
  std::size_t write_header(const hub::FrameInfo& info, std::uint8_t* out) const override;
  base::shared_bytes frame_awareness(base::byte_view awareness_update) const override;

  static base::shared_bytes frame_acknowledgement(std::uint64_t token,
                                                  std::optional<base::log_offset> record,
                                                  std::optional<base::log_offset> version);

  static constexpr std::size_t version_bytes = 8;
  static constexpr std::uint8_t versioned = 0x20;
  static constexpr std::uint8_t acknowledgement = 8;
};

/// An insert of so many characters by `client` at `clock`, behind its previous one (at the start of
/// the text "content" when clock is 0), as Yjs encodes it.
base::byte_vector insert_update(std::uint64_t client, std::uint64_t clock, std::size_t length = 1);
/// A deletion of the character that `client` inserted at `clock`.
base::byte_vector delete_update(std::uint64_t client, std::uint64_t clock);

}  // namespace weft::sim
