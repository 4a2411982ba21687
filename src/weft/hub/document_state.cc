#include "weft/hub/document_state.h"

#include <algorithm>

namespace weft::hub {

namespace {

/// A run is taken along when it is at most this many times as large as what is taken already.
constexpr std::size_t taken_along_max = 2;

std::vector<base::byte_view> views(const std::vector<base::shared_bytes>& updates) {
  return {updates.begin(), updates.end()};
}

}  // namespace

void DocumentState::load(shared_run snapshot, yjs::Knowledge held, base::log_offset covered_end) {
  runs_bytes_ = snapshot->bytes;
  runs_ = {std::move(snapshot)};
  runs_end_ = end_ = covered_end;
  held_ = std::move(held);
}

base::result<void> DocumentState::commit(base::shared_bytes update, base::log_offset offset,
                                         bool foreign) {
  if (foreign) {
    if (auto learned = yjs::learn(update, held_); !learned) return learned;
  }
  tail_bytes_ += update.size();
  tail_.push_back(std::move(update));
  end_.value = std::max(end_.value, offset.value + 1);
  tail_ends_.push_back(end_);
  merged_tail_.reset();
  return {};
}

void DocumentState::submit(base::byte_view update) {
  WEFT_CHECK(yjs::learn(update, held_).has_value());
}

void DocumentState::forget_uncommitted() {
  held_ = {};
  for (const auto& part : parts()) WEFT_CHECK(yjs::learn(part, held_).has_value());
}

std::vector<base::shared_bytes> DocumentState::parts() const { return plan(true).updates; }

std::optional<base::shared_bytes> DocumentState::whole() const {
  if (!tail_.empty()) return std::nullopt;
  if (runs_.empty()) return base::shared_bytes::copy_of(yjs::empty_update());
  if (runs_.size() > 1 || runs_.front()->parts.size() > 1) return std::nullopt;
  return runs_.front()->parts.front().update();
}

base::result<base::shared_bytes> DocumentState::merged_tail() {
  if (!merged_tail_) {
    if (tail_.empty()) {
      merged_tail_ = base::shared_bytes::copy_of(yjs::empty_update());
    } else if (tail_.size() == 1) {
      merged_tail_ = tail_.front();
    } else {
      auto merged = yjs::compact(views(tail_));
      if (!merged) return base::fail(std::move(merged.error()));
      merged_tail_ = base::shared_bytes::adopt(std::move(*merged));
    }
  }
  return *merged_tail_;
}

base::result<base::byte_vector> DocumentState::diff(base::byte_view state_vector) {
  const auto tail = merged_tail();
  if (!tail) return base::fail(base::error(tail.error()));
  return diff_of(runs_, *tail, state_vector);
}

base::result<bool> DocumentState::same_content(base::byte_view update,
                                               std::vector<base::byte_view> in_flight) const {
  std::vector<const yjs::IndexedUpdate*> indexed;
  for (const auto& run : runs_) {
    for (const auto& part : run->parts) indexed.push_back(&part);
  }
  in_flight.insert(in_flight.end(), tail_.begin(), tail_.end());
  return yjs::same_content(update, indexed, in_flight);
}

DocumentState::Plan DocumentState::plan(bool everything) const {
  Plan out{runs_.size(), tail_.size(), tail_.empty() ? runs_end_ : tail_ends_.back(), {}};
  std::size_t taken = tail_bytes_;
  while (out.first_run > 0 &&
         (everything || runs_[out.first_run - 1]->bytes <= taken_along_max * taken)) {
    taken += runs_[--out.first_run]->bytes;
  }
  for (std::size_t i = out.first_run; i < runs_.size(); ++i) {
    for (const auto& part : runs_[i]->parts) out.updates.push_back(part.update());
  }
  out.updates.insert(out.updates.end(), tail_.begin(), tail_.end());
  return out;
}

void DocumentState::replace(const Plan& plan, shared_run run) {
  for (std::size_t i = 0; i < plan.tail_records; ++i) tail_bytes_ -= tail_[i].size();
  const auto taken = static_cast<std::ptrdiff_t>(plan.tail_records);
  tail_.erase(tail_.begin(), tail_.begin() + taken);
  tail_ends_.erase(tail_ends_.begin(), tail_ends_.begin() + taken);
  runs_.resize(plan.first_run);
  runs_.push_back(std::move(run));
  runs_bytes_ = 0;
  for (const auto& kept : runs_) runs_bytes_ += kept->bytes;
  runs_end_ = plan.end;
  merged_tail_.reset();
}

}  // namespace weft::hub
