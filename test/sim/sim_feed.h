#pragma once

#include <memory>
#include <string>
#include <vector>

#include "sim/sim_truth.h"
#include "weft/hub/document_feed.h"

namespace weft::sim {

/// Writes of every edit its version and its operation, for FeedWatch.
class VersionWriter final : public hub::EditWriter {
 public:
  void write(const hub::LoggedEdit& edit, base::log_identity log, std::string& out) const override;
};

/// One reader of a document's events, from the start, slow now and then. Versions must rise, each
/// must be the durable record it says it is, and none may be left out (`gaps_allowed`: but those of
/// failed commits that landed all the same, of which a log that goes on tells nobody).
class FeedWatch final : public hub::FeedEvents {
 public:
  FeedWatch(World& world, Disk& disk, std::shared_ptr<hub::DocumentFeed> feed,
            base::DocumentId document, bool gaps_allowed);

  void on_output() override;
  void on_failed(const base::error& why) override;

  /// It has seen every durable record of its document.
  bool complete() const;
  bool gaps_allowed() const { return gaps_allowed_; }
  bool failed() const { return failed_; }

 private:
  void read();

  World& world_;
  Disk& disk_;
  const base::DocumentId document_;
  const bool gaps_allowed_;
  std::size_t next_ = 0;  ///< in Disk::durable, behind the last record it was given
  bool reading_ = false;
  bool failed_ = false;
  std::shared_ptr<FeedWatch*> self_;
  hub::FeedReader reader_;
};

}  // namespace weft::sim
