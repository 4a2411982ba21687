#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "weft/base/ids.h"
#include "weft/base/result.h"
#include "weft/protocol/envelope.h"

namespace weft::log {

/// Where a document's records of one channel go.
struct TopicName {
  std::string cluster;  ///< empty: the only one
  std::string topic;    ///< 1..topic_bytes_max bytes of [A-Za-z0-9._-]
  bool operator==(const TopicName&) const = default;
};

inline constexpr std::size_t topic_bytes_max = 249;

/// Says which topic of which cluster a document belongs to. An answer must be the same for as long
/// as the log lives, and on every node: records are looked for where it points.
class TopicResolver {
 public:
  virtual ~TopicResolver() = default;

  using answer = std::move_only_function<void(base::result<TopicName>)>;

  /// Calls `done` once: before this returns, or later from any thread. An error is passed on to
  /// whoever asked for the document; documents with subscribers are asked for again.
  /// Threading: any thread.
  virtual void resolve(const base::DocumentId& document, protocol::Channel channel,
                       answer done) = 0;
};

/// Names of topics with at most one `{roomId}` each, such as "sync-{roomId}".
struct TopicTemplates {
  std::string doc = "sync-{roomId}";
  std::string awareness = "awareness-{roomId}";
  std::string control = "control-{roomId}";
};

/// Rooms whose name starts with `room_prefix` have topics, and perhaps a cluster, of their own.
struct TenantTopics {
  std::string room_prefix;
  std::string cluster;
  TopicTemplates templates;
};

struct TopicResolverOptions {
  std::string cluster;
  TopicTemplates templates;
  std::vector<TenantTopics> tenants;  ///< of those that fit, the one with the longest prefix counts
};

/// The default resolver: fills the room's name, escaped, into templates; answers at once.
///
/// Different rooms get different topics, whatever their names, wherever the template has a
/// `{roomId}`: [A-Za-z0-9-] stay, every other byte becomes `_` and two hexadecimal digits, the
/// empty name becomes `__`. Where that makes more than topic_bytes_max, the name's beginning is
/// followed by `__` and its SHA-256. A `.` is escaped, since Kafka refuses topics that differ in
/// `.` and `_` only.
/// Errors: unsupported: a template has a byte that topics cannot have, an unknown placeholder or
/// two of them, is too long, or could name the topic of another template of its cluster (what
/// precedes their placeholders must differ, one not beginning with the other).
base::result<std::unique_ptr<TopicResolver>> make_template_resolver(TopicResolverOptions options);

/// The name that one template gives a room; see make_template_resolver, which checks templates.
std::string fill_topic_template(const std::string& topic_template, const std::string& room_id);

}  // namespace weft::log
