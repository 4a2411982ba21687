#pragma once

#include <deque>
#include <vector>

#include "weft/hub/live_document.h"

namespace weft::hub {

/// What a document's snapshot holds and its log does not: found when the document is loaded, and
/// appended before anybody has the document. Without that a client that is told "durable", or gets
/// an update that builds on it, would rely on this node's snapshot alone: other nodes on the same
/// log have other snapshots, and whatever replays the log has none.
/// Threading: the document's executor.
struct LiveDocument::PutBack {
  explicit PutBack(base::shared_bytes of) : snapshot(std::move(of)) {}

  /// Takes note of what the log does hold. The update has been applied, so it decodes.
  void learn(base::byte_view update) {
    const auto learned = yjs::learn(update, logged);
    WEFT_CHECK(learned);
  }

  bool awaits_any(const std::vector<base::OperationId>& operations) const;

  base::shared_bytes snapshot;
  yjs::Knowledge logged;
  std::deque<base::byte_vector> waiting;  ///< updates to be appended, in causal order
  std::vector<base::OperationId> under_way;
};

}  // namespace weft::hub
