#include "weft/log/topic_resolver.h"

#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "weft/base/bytes.h"
#include "weft/log/op_log.h"

namespace weft::log {
namespace {

constexpr std::string_view placeholder = "{roomId}";
constexpr std::string_view digits = "0123456789abcdef";
constexpr char escape = '_';
constexpr std::string_view special = "__";  // never part of an escaped name that is not empty
constexpr std::size_t hash_digits = std::size_t{2} * SHA256_DIGEST_LENGTH;
/// What a template may have beside the room's name, so that the hash of a long one fits.
constexpr std::size_t literal_bytes_max = topic_bytes_max - special.size() - hash_digits;

bool is_plain(char byte) {
  return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
         (byte >= '0' && byte <= '9') || byte == '-';
}

void append_hex(std::string& out, std::uint8_t byte) {
  out.push_back(digits[byte >> 4]);
  out.push_back(digits[byte & 15]);
}

std::string escaped(std::string_view name) {
  if (name.empty()) return std::string(special);
  std::string out;
  for (const char byte : name) {
    if (is_plain(byte)) {
      out.push_back(byte);
    } else {
      out.push_back(escape);
      append_hex(out, static_cast<std::uint8_t>(byte));
    }
  }
  return out;
}

std::string shortened(std::string name, std::string_view room_id, std::size_t bytes_max) {
  std::array<std::uint8_t, SHA256_DIGEST_LENGTH> hash;
  const base::byte_view bytes = base::as_bytes(room_id);
  SHA256(bytes.data(), bytes.size(), hash.data());
  name.resize(bytes_max - special.size() - hash_digits);
  // Cut behind an escape: else its rest and the mark would read as something else.
  const std::size_t last = name.rfind(escape);
  if (last != std::string::npos && name.size() - last < 3) name.resize(last);
  name += special;
  for (const std::uint8_t byte : hash) append_hex(name, byte);
  return name;
}

struct Literals {
  std::string before;
  std::string after;
  bool has_room = false;
};

Literals literals_of(const std::string& topic_template) {
  const std::size_t at = topic_template.find(placeholder);
  if (at == std::string::npos) return {topic_template, {}, false};
  return {topic_template.substr(0, at), topic_template.substr(at + placeholder.size()), true};
}

base::result<void> check(const std::string& topic_template) {
  const auto wrong = [&](const char* why) {
    return base::fail(errc::unsupported, "topic template '" + topic_template + "': " + why);
  };
  const Literals literals = literals_of(topic_template);
  const std::string both = literals.before + literals.after;
  const bool valid = std::all_of(both.begin(), both.end(), [](char byte) {
    return is_plain(byte) || byte == '.' || byte == '_';
  });
  if (!valid) return wrong("only [A-Za-z0-9._-] and one {roomId} are possible");
  if (both.size() > literal_bytes_max) return wrong("too long");
  if (!literals.has_room && (both.empty() || both == "." || both == "..")) {
    return wrong("no topic can have this name");
  }
  return {};
}

/// For Kafka `.` and `_` are the same when it looks for names that are taken.
std::string folded(std::string text) {
  std::replace(text.begin(), text.end(), '.', '_');
  return text;
}

class TemplateResolver final : public TopicResolver {
 public:
  explicit TemplateResolver(TopicResolverOptions options) : options_(std::move(options)) {}

  void resolve(const base::DocumentId& document, protocol::Channel channel, answer done) override {
    const std::string* cluster = &options_.cluster;
    const TopicTemplates* templates = &options_.templates;
    std::size_t longest = 0;
    for (const TenantTopics& tenant : options_.tenants) {
      if (!document.room_id.starts_with(tenant.room_prefix)) continue;
      if (tenant.room_prefix.size() < longest) continue;
      longest = tenant.room_prefix.size();
      cluster = &tenant.cluster;
      templates = &tenant.templates;
    }
    const std::string& chosen = channel == protocol::Channel::doc         ? templates->doc
                                : channel == protocol::Channel::awareness ? templates->awareness
                                                                          : templates->control;
    done(TopicName{*cluster, fill_topic_template(chosen, document.room_id)});
  }

 private:
  const TopicResolverOptions options_;
};

}  // namespace

std::string fill_topic_template(const std::string& topic_template, const std::string& room_id) {
  const Literals literals = literals_of(topic_template);
  if (!literals.has_room) return literals.before;
  const std::size_t bytes_max = topic_bytes_max - literals.before.size() - literals.after.size();
  std::string name = escaped(room_id);
  if (name.size() > bytes_max) name = shortened(std::move(name), room_id, bytes_max);
  return literals.before + name + literals.after;
}

base::result<std::unique_ptr<TopicResolver>> make_template_resolver(TopicResolverOptions options) {
  struct Named {
    std::string cluster;
    std::string topic_template;
  };
  std::vector<Named> all;
  const auto add = [&all](const std::string& cluster, const TopicTemplates& templates) {
    for (const auto* one : {&templates.doc, &templates.awareness, &templates.control}) {
      all.push_back({cluster, *one});
    }
  };
  add(options.cluster, options.templates);
  for (const TenantTopics& tenant : options.tenants) add(tenant.cluster, tenant.templates);
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (auto ok = check(all[i].topic_template); !ok) return base::fail(std::move(ok.error()));
    const std::string mine = folded(literals_of(all[i].topic_template).before);
    for (std::size_t j = 0; j < i; ++j) {
      if (all[i].cluster != all[j].cluster) continue;
      const std::string other = folded(literals_of(all[j].topic_template).before);
      if (mine.starts_with(other) || other.starts_with(mine)) {
        return base::fail(errc::unsupported, "topic templates '" + all[j].topic_template +
                                                 "' and '" + all[i].topic_template +
                                                 "' could name the same topic");
      }
    }
  }
  return std::make_unique<TemplateResolver>(std::move(options));
}

}  // namespace weft::log
