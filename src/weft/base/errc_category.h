#pragma once

#include <string>
#include <system_error>

namespace weft::base {

/// An error category whose messages come from `const char* describe(Errc)`, found next to the
/// enum. A module needs only its enum, `describe`, `make_error_code` and is_error_code_enum.
template <typename Errc>
class errc_category final : public std::error_category {
 public:
  explicit constexpr errc_category(const char* module) : module_(module) {}
  const char* name() const noexcept override { return module_; }
  std::string message(int value) const override { return describe(static_cast<Errc>(value)); }

 private:
  const char* module_;
};

}  // namespace weft::base
