#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "weft/base/bytes.h"
#include "weft/base/ids.h"
#include "weft/base/result.h"
#include "weft/hub/run.h"

namespace weft::hub {

/// The version of a document whose every committed record lies below `end`: the offset of its last
/// record. None while the log holds no record of it.
inline std::optional<base::log_offset> version_of(base::log_offset end) {
  if (end.value == 0) return std::nullopt;
  return base::log_offset{end.value - 1};
}

/// What a document holds at one moment, as it lies in memory: taking it costs nothing, and it may
/// be read on any thread. Committed edits only.
struct DocumentView {
  std::vector<shared_run> runs;          ///< compacted, oldest first
  std::vector<base::shared_bytes> tail;  ///< updates that have come since
  base::log_offset end;                  ///< every committed record lies below this
  base::log_identity log;                ///< that `end` counts in
  /// False while a failed append is being looked into: a record below `end` may yet turn up.
  bool settled = true;
  /// When nothing is in flight either: the state vector.
  std::optional<base::byte_vector> state_vector;

  /// What a client with this state vector lacks. Deletions are always part of it: a state vector
  /// does not say which of them are known. Costs the tail and the answer.
  /// Errors: std::errc::invalid_argument (no state vector); broken.
  base::result<base::byte_vector> diff(base::byte_view of) const;

  /// The state vector, where it is not known yet. Costs a pass over everything. Errors: broken.
  base::result<base::byte_vector> make_state_vector() const;
};

/// As DocumentView::diff, of a state that is one update.
base::result<base::byte_vector> diff_state(base::byte_view update, base::byte_view state_vector);

/// The state of a document as one update.
struct StateRead {
  base::shared_bytes update;  ///< compacted; at least the empty update
  base::log_offset end;       ///< as in DocumentView
  base::log_identity log;     ///< as in DocumentView
  bool settled = true;        ///< as in DocumentView
};

/// One live document for operators.
struct DocumentStatus {
  enum class phase : std::uint8_t { loading, live, broken };
  phase what = phase::loading;
  std::string why_broken;
  std::size_t sessions = 0;
  std::size_t state_bytes = 0;   ///< of the compacted part and of what came since
  std::size_t news_records = 0;  ///< edits since the last compaction
  std::size_t inflight_bytes = 0;
  std::size_t ring_bytes = 0;    ///< frames kept for sessions that are behind, all framings
  std::size_t answer_bytes = 0;  ///< sync answers and remainders that wait, of the fullest session
  std::size_t catch_up_bytes = 0;  ///< the latest remainder, kept for others behind at its place
  base::log_offset end;
};

/// When a publish is to be done at all: only while the document is exactly at a version, with
/// nothing in flight. `ends` holds what `end` may be; `any` asks only that the document is not
/// empty.
struct PublishCondition {
  /// As in DocumentView.
  struct End {
    base::log_identity log;
    base::log_offset end;
    bool operator==(const End&) const = default;
  };
  bool any = false;
  std::vector<End> ends;
};

/// What became of one update of a batch.
struct PublishedItem {
  enum class outcome : std::uint8_t {
    durable,    ///< it is stored; `version` says up to where (none: it and the document are empty)
    refused,    ///< it is not stored, or nobody knows: `why`
    not_tried,  ///< an earlier one was refused, and this one may depend on it
  };
  outcome what = outcome::not_tried;
  std::optional<base::log_offset> version;
  base::error why;
};

}  // namespace weft::hub
