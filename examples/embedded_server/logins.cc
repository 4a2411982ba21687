#include "logins.h"

#include <openssl/rand.h>

#include <array>

#include "weft/hub/errc.h"

namespace weft::examples {

namespace {

constexpr std::size_t logins_max = 10'000;
constexpr std::chrono::hours permit_lifetime{1};

std::string random_token() {
  std::array<unsigned char, 16> bytes;
  // Without randomness there are no tokens, and no program.
  WEFT_CHECK(RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) == 1);
  std::string out;
  for (const unsigned char byte : bytes) {
    out += "0123456789abcdef"[byte >> 4];
    out += "0123456789abcdef"[byte & 15];
  }
  return out;
}

}  // namespace

std::optional<std::string> Logins::log_in(const std::string& name, hub::Rights rights) {
  std::string token = random_token();
  const std::scoped_lock lock(mutex_);
  if (permits_.size() >= logins_max) return std::nullopt;
  permits_[token] = {name, rights};
  return token;
}

bool Logins::log_out(const std::string& token) {
  const std::scoped_lock lock(mutex_);
  return permits_.erase(token) > 0;
}

base::result<hub::Permit> Logins::find(const std::string& token) {
  const std::scoped_lock lock(mutex_);
  const auto it = permits_.find(token);
  if (it == permits_.end()) {
    return base::fail(hub::errc::unauthenticated, "nobody has logged in with this token");
  }
  return it->second;
}

void Logins::authorize(hub::AuthorizationRequest request, base::Executor& executor,
                       log::callback<hub::Permit> done) {
  // A program that asks a database would do so on a thread of its own.
  auto permit = find(request.token);
  // Who has logged out is not let in again, and has left by then.
  if (permit) permit->expires = executor.now() + permit_lifetime;
  executor.post(
      [permit = std::move(permit), done = std::move(done)]() mutable { done(std::move(permit)); });
}

}  // namespace weft::examples
