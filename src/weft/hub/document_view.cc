#include "weft/hub/document_view.h"

#include "weft/hub/errc.h"
#include "weft/yjs/update.h"

namespace weft::hub {

namespace {

base::result<void> check_state_vector(base::byte_view state_vector) {
  if (const auto ok = yjs::diff(yjs::empty_update(), state_vector); !ok) {
    return std::unexpected(base::error{std::make_error_code(std::errc::invalid_argument),
                                       "the state vector: " + ok.error().message});
  }
  return {};
}

std::unexpected<base::error> broken(const base::error& why) {
  return base::fail(errc::broken, why.message);
}

}  // namespace

base::result<base::byte_vector> DocumentView::diff(base::byte_view of) const {
  if (auto ok = check_state_vector(of); !ok) return base::fail(std::move(ok.error()));
  const auto merged = yjs::compact(std::vector<base::byte_view>(tail.begin(), tail.end()));
  if (!merged) return broken(merged.error());
  auto lacking = diff_of(runs, *merged, of);
  if (!lacking) return broken(lacking.error());
  return lacking;
}

base::result<base::byte_vector> DocumentView::make_state_vector() const {
  yjs::Knowledge known;
  const auto learn = [&known](base::byte_view update) { return yjs::learn(update, known); };
  for (const auto& run : runs) {
    for (const auto& part : run->parts) {
      if (auto ok = learn(part.update()); !ok) return broken(ok.error());
    }
  }
  for (const auto& update : tail) {
    if (auto ok = learn(update); !ok) return broken(ok.error());
  }
  return yjs::encode_state_vector(known.structs);
}

base::result<base::byte_vector> diff_state(base::byte_view update, base::byte_view state_vector) {
  if (auto ok = check_state_vector(state_vector); !ok) return base::fail(std::move(ok.error()));
  auto lacking = yjs::diff(update, state_vector);
  if (!lacking) return broken(lacking.error());
  return lacking;
}

}  // namespace weft::hub
