#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>

namespace weft::gateway {

/// Fills a span with random bytes. Called on any thread, on several at the same time.
using random_source = std::function<void(std::span<std::uint8_t>)>;

/// Random bytes of the operating system, fit for secrets.
void fill_from_system(std::span<std::uint8_t> out);

/// A name that nobody guesses: 120 bits as 20 characters of the URL alphabet.
std::string random_name(const random_source& random);

}  // namespace weft::gateway
