#pragma once

#include <expected>
#include <string>
#include <system_error>
#include <utility>

namespace weft::base {

/// What went wrong: a code that a caller can act on, and a sentence for a person.
///
/// Every module has one enum `errc` registered as a std::error_code; a code exists only where a
/// caller would act differently. `message` says what was wrong, where, and what to do; it never
/// carries payload bytes.
struct error {
  std::error_code code;
  std::string message;
};

/// The return type of everything that foreign bytes, disks or networks can make fail.
template <typename T>
using result = std::expected<T, error>;

/// Builds the error arm of a result from a module's errc.
template <typename Errc>
[[nodiscard]] std::unexpected<error> fail(Errc code, std::string message) {
  return std::unexpected<error>(error{make_error_code(code), std::move(message)});
}

/// Passes an error on unchanged: `if (!r) return base::fail(std::move(r.error()));`
[[nodiscard]] inline std::unexpected<error> fail(error&& e) {
  return std::unexpected<error>(std::move(e));
}

/// Aborts with file and line, in release builds too. For broken invariants of our own only:
/// foreign bytes return errors.
[[noreturn]] void invariant_broken(const char* expression, const char* file, int line);

}  // namespace weft::base

#define WEFT_CHECK(expression) \
  ((expression) ? void(0) : ::weft::base::invariant_broken(#expression, __FILE__, __LINE__))
