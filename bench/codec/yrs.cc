#include "yrs.h"

#include <rust/cxx.h>
#include <weft-bridge/src/lib.rs.h>

#include <cstdio>
#include <cstdlib>

namespace weft::bench {
namespace {

void check(bridge::Status status, const rust::String& why) {
  if (status == bridge::Status::Done) return;
  std::fprintf(stderr, "codec_bench: yrs: %s\n", std::string(why).c_str());
  std::exit(1);
}

}  // namespace

YrsInput::YrsInput(std::span<const base::byte_view> updates) {
  for (const base::byte_view update : updates) {
    bytes.insert(bytes.end(), update.begin(), update.end());
    ends.push_back(bytes.size());
  }
}

std::size_t yrs_merge(const YrsInput& input) {
  const auto merged = bridge::merge({input.bytes.data(), input.bytes.size()},
                                    {input.ends.data(), input.ends.size()});
  check(merged.status, merged.why);
  return merged.update.size();
}

}  // namespace weft::bench
