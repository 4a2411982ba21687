#include "weft/hub/document_state.h"

#include <algorithm>

namespace weft::hub {

base::result<void> DocumentState::load(base::shared_bytes snapshot, base::log_offset covered_end) {
  yjs::Knowledge held;
  if (auto learned = yjs::learn(snapshot, held); !learned) return learned;
  base_ = std::move(snapshot);
  base_end_ = end_ = covered_end;
  held_ = std::move(held);
  return {};
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
  for (const auto part : parts()) WEFT_CHECK(yjs::learn(part, held_).has_value());
}

std::vector<base::byte_view> DocumentState::parts() const {
  std::vector<base::byte_view> out;
  out.reserve(tail_.size() + 1);
  if (!base_.empty()) out.push_back(base_);
  out.insert(out.end(), tail_.begin(), tail_.end());
  return out;
}

base::result<base::shared_bytes> DocumentState::merged_tail() {
  if (!merged_tail_) {
    if (tail_.empty()) {
      merged_tail_ = base::shared_bytes::copy_of(yjs::empty_update());
    } else if (tail_.size() == 1) {
      merged_tail_ = tail_.front();
    } else {
      const std::vector<base::byte_view> updates(tail_.begin(), tail_.end());
      auto merged = yjs::compact(updates);
      if (!merged) return base::fail(std::move(merged.error()));
      merged_tail_ = base::shared_bytes::adopt(std::move(*merged));
    }
  }
  return *merged_tail_;
}

base::result<base::byte_vector> DocumentState::diff(base::byte_view state_vector) {
  auto news = merged_tail();
  if (!news) return base::fail(std::move(news.error()));
  auto of_tail = yjs::diff(*news, state_vector);
  if (!of_tail || base_.empty()) return of_tail;
  auto of_base = yjs::diff(base_, state_vector);
  if (!of_base) return of_base;
  if (tail_.empty()) return of_base;
  const base::byte_view both[] = {*of_base, *of_tail};
  return yjs::merge(both);
}

void DocumentState::replace_base(base::shared_bytes compacted, std::size_t records,
                                 base::log_offset end) {
  for (std::size_t i = 0; i < records; ++i) tail_bytes_ -= tail_[i].size();
  tail_.erase(tail_.begin(), tail_.begin() + static_cast<std::ptrdiff_t>(records));
  tail_ends_.erase(tail_ends_.begin(), tail_ends_.begin() + static_cast<std::ptrdiff_t>(records));
  base_ = std::move(compacted);
  base_end_ = end;
  merged_tail_.reset();
}

base::log_offset DocumentState::tail_end(std::size_t records) const {
  return records == 0 ? base_end_ : tail_ends_[records - 1];
}

}  // namespace weft::hub
