#include "weft/gateway/http/updates_body.h"

#include <nlohmann/json.hpp>

#include "weft/gateway/base64.h"

namespace weft::gateway::http {

namespace {

std::unexpected<base::error> refuse(std::string why) {
  return std::unexpected(
      base::error{std::make_error_code(std::errc::invalid_argument), std::move(why)});
}

std::string too_many(std::size_t count_max) {
  return "more than " + std::to_string(count_max) +
         " updates in one request (http.batch_updates_max); send them in several";
}

/// Hears a body token by token, so that nothing but the updates is ever kept.
class UpdatesHandler final : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit UpdatesHandler(std::size_t count_max) : count_max_(count_max) {}

  bool null() override { return other(); }
  bool boolean(bool) override { return other(); }
  bool number_integer(number_integer_t) override { return other(); }
  bool number_unsigned(number_unsigned_t) override { return other(); }
  bool number_float(number_float_t, const string_t&) override { return other(); }
  bool binary(binary_t&) override { return other(); }

  bool string(string_t& text) override {
    if (depth_ != 2 || !in_updates_) return other();
    if (updates.size() == count_max_) return fail(too_many(count_max_));
    auto bytes = from_base64(text);
    if (!bytes) return fail("updates[" + std::to_string(updates.size()) + "] is not Base64");
    updates.push_back(base::shared_bytes::adopt(std::move(*bytes)));
    return true;
  }

  bool start_object(std::size_t) override {
    if (depth_ > 0 && !other()) return false;
    ++depth_;
    return true;
  }
  bool end_object() override {
    --depth_;
    return true;
  }
  bool start_array(std::size_t) override {
    if (depth_ == 1 && key_ == "updates") {
      if (found) return fail("\"updates\" is there twice");
      in_updates_ = found = true;
    } else if (!other()) {
      return false;
    }
    ++depth_;
    return true;
  }
  bool end_array() override {
    --depth_;
    if (depth_ == 1) in_updates_ = false;
    return true;
  }
  bool key(string_t& name) override {
    if (depth_ == 1) key_ = std::move(name);
    return true;
  }
  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    return fail("no JSON from byte " + std::to_string(position) + " on");
  }

  std::vector<base::shared_bytes> updates;
  std::string wrong;
  bool found = false;

 private:
  bool fail(std::string why) {
    if (wrong.empty()) wrong = std::move(why);
    return false;
  }

  /// A value that is no update: fine below other keys only.
  bool other() {
    if (depth_ == 0) return fail("the body must be an object");
    if (in_updates_) return fail("updates must hold Base64 strings only");
    if (depth_ == 1 && key_ == "updates") return fail("updates must be an array");
    return true;
  }

  const std::size_t count_max_;
  std::size_t depth_ = 0;
  bool in_updates_ = false;
  std::string key_;
};

}  // namespace

base::result<std::vector<base::shared_bytes>> cut_framed(const base::shared_bytes& body,
                                                         std::size_t count_max) {
  std::vector<base::shared_bytes> out;
  std::size_t at = 0;
  while (at < body.size()) {
    if (out.size() == count_max) return refuse(too_many(count_max));
    std::uint64_t length = 0;
    std::size_t digits = 0;
    std::uint8_t byte = 0x80;
    while ((byte & 0x80) != 0) {
      if (at == body.size() || digits == 8) {
        return refuse("the length of update " + std::to_string(out.size()) +
                      " is no varint that ends in the body");
      }
      byte = body.data()[at++];
      length |= std::uint64_t{byte & 0x7fu} << (7 * digits++);
    }
    if (length > body.size() - at) {
      return refuse("update " + std::to_string(out.size()) +
                    " is longer than the rest of the body");
    }
    out.push_back(body.slice(at, length));
    at += length;
  }
  return out;
}

base::result<std::vector<base::shared_bytes>> read_json(base::byte_view body,
                                                        std::size_t count_max) {
  UpdatesHandler handler(count_max);
  const bool whole = nlohmann::json::sax_parse(body.begin(), body.end(), &handler);
  if (!whole || !handler.wrong.empty()) return refuse("the body: " + handler.wrong);
  if (!handler.found) return refuse("the body has no \"updates\"");
  return std::move(handler.updates);
}

void append_framed(base::byte_view update, base::byte_vector& out) {
  std::uint64_t length = update.size();
  while (length >= 0x80) {
    out.push_back(static_cast<std::uint8_t>(length | 0x80));
    length >>= 7;
  }
  out.push_back(static_cast<std::uint8_t>(length));
  out.insert(out.end(), update.begin(), update.end());
}

}  // namespace weft::gateway::http
