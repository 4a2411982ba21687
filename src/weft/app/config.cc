// Where values come from: file, environment and flags, and what no key alone can know.

#include "weft/app/config.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <numeric>

#include "weft/app/log_driver.h"

namespace weft::app {

namespace {

/// Levenshtein distance, for "did you mean".
std::size_t distance(const std::string& a, const std::string& b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

bool is_port(const std::string& text) {
  std::uint16_t port = 0;
  const char* const end = text.data() + text.size();
  const auto [at, failed] = std::from_chars(text.data(), end, port);
  return failed == std::errc() && at == end;
}

bool is_list(const std::string& key) {
  return std::ranges::any_of(
      settings(), [&](const Setting& setting) { return setting.key == key && setting.list; });
}

base::result<void> apply_node(Config& config, const YAML::Node& node, const std::string& prefix,
                              const std::string& path) {
  for (const auto& item : node) {
    const std::string key = prefix + item.first.as<std::string>();
    const std::string where = path + ":" + std::to_string(item.first.Mark().line + 1) + ": ";
    if (item.second.IsMap()) {
      if (auto ok = apply_node(config, item.second, key + ".", path); !ok) return ok;
      continue;
    }
    std::string value;
    if (item.second.IsSequence() && is_list(key)) {
      for (const auto& entry : item.second) {
        if (!entry.IsScalar()) return base::fail(errc::config, where + key + " is a list of texts");
        value += (value.empty() ? "" : ",") + entry.as<std::string>();
      }
    } else if (item.second.IsScalar()) {
      value = item.second.as<std::string>();
    } else {
      return base::fail(errc::config, where + key + " must be a single value");
    }
    if (auto ok = apply(config, key, value); !ok) {
      return base::fail(errc::config, where + ok.error().message);
    }
  }
  return {};
}

/// Of librdkafka's properties those that are secrets, and perhaps some that are not.
bool is_secret(const std::string& property) {
  return std::ranges::any_of(
      std::initializer_list<std::string_view>{"password", "secret", "pem", "token",
                                              "sasl.oauthbearer.config"},
      [&](std::string_view word) { return property.find(word) != std::string::npos; });
}

const std::map<std::string, std::string>* client_properties(const Config& config) {
  const auto found = config.kafka.clusters.find("");
  return found == config.kafka.clusters.end() ? nullptr : &found->second;
}

/// What stands below kafka.client.
std::string print_client(const Config& config) {
  std::string out =
      "  # properties of librdkafka, such as security.protocol, sasl.* and ssl.*\n  client:";
  const auto* const properties = client_properties(config);
  if (!properties || properties->empty()) return out + " {}\n";
  out += "\n";
  bool shown = false;
  std::string secrets;
  for (const auto& [name, value] : *properties) {
    if (is_secret(name)) {
      secrets += "    # " + name + " is set, and not shown\n";
      continue;
    }
    YAML::Emitter quoted;
    quoted << YAML::DoubleQuoted << value;
    out += "    " + name + ": " + quoted.c_str() + "\n";
    shown = true;
  }
  return out + (shown ? "" : "    {}\n") + secrets;
}

}  // namespace

const char* describe(errc code) {
  switch (code) {
    case errc::config:
      return "configuration";
    case errc::start:
      return "start";
  }
  return "unknown";
}

std::error_code make_error_code(errc code) {
  static const base::errc_category<errc> category("app");
  return {static_cast<int>(code), category};
}

std::string environment_name(const Setting& setting) {
  std::string out = "WEFT_";
  for (const char c : setting.key) {
    out += c == '.' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  return out;
}

base::result<void> apply(Config& config, const std::string& key, const std::string& value) {
  if (key.starts_with(kafka_client_prefix) && key.size() > kafka_client_prefix.size()) {
    config.kafka.clusters[""][key.substr(kafka_client_prefix.size())] = value;
    return {};
  }
  const Setting* nearest = nullptr;
  for (const auto& setting : settings()) {
    if (setting.key == key) {
      const auto wrong = setting.set(config, value);
      if (!wrong.empty()) {
        return base::fail(errc::config, key + " = \"" + value + "\" " + wrong);
      }
      return {};
    }
    if (!nearest || distance(setting.key, key) < distance(nearest->key, key)) nearest = &setting;
  }
  return base::fail(errc::config,
                    "unknown key \"" + key + "\"; did you mean \"" + nearest->key + "\"?");
}

base::result<void> apply_file(Config& config, const std::string& path) {
  try {
    const YAML::Node root = YAML::LoadFile(path);
    if (root.IsNull()) return {};
    if (!root.IsMap()) return base::fail(errc::config, path + ": must be a map of keys");
    return apply_node(config, root, "", path);
  } catch (const YAML::Exception& e) {
    return base::fail(errc::config, path + ": " + e.what());
  }
}

base::result<void> apply_environment(Config& config, const char* const* environment) {
  for (; *environment; ++environment) {
    const std::string entry = *environment;
    const auto equals = entry.find('=');
    const std::string name = entry.substr(0, equals);
    if (!name.starts_with("WEFT_") || name == "WEFT_CONFIG" || name.starts_with("WEFT_UNSYNCED_") ||
        name.starts_with("WEFT_SYNC_")) {
      continue;  // the last two steer the crash tests' interposer
    }
    if (name.starts_with(kafka_client_variable)) {
      std::string property = name.substr(kafka_client_variable.size());
      for (char& c : property) {
        c = c == '_' ? '.' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      }
      if (auto ok =
              apply(config, std::string(kafka_client_prefix) + property, entry.substr(equals + 1));
          !ok) {
        return ok;
      }
      continue;
    }
    const Setting* found = nullptr;
    const Setting* nearest = nullptr;
    for (const auto& setting : settings()) {
      const auto candidate = environment_name(setting);
      if (candidate == name) found = &setting;
      if (!nearest || distance(candidate, name) < distance(environment_name(*nearest), name)) {
        nearest = &setting;
      }
    }
    if (!found) {
      return base::fail(errc::config, "unknown environment variable " + name + "; did you mean " +
                                          environment_name(*nearest) + "?");
    }
    if (auto ok = apply(config, found->key, entry.substr(equals + 1)); !ok) {
      return base::fail(errc::config, name + ": " + ok.error().message);
    }
  }
  return {};
}

base::result<void> check(const Config& config) {
  const auto colon = config.listen.rfind(':');
  if (colon == std::string::npos || colon == 0 || !is_port(config.listen.substr(colon + 1))) {
    return base::fail(errc::config,
                      "listen = \"" + config.listen + "\" must be host:port, as 127.0.0.1:8787");
  }
  // An envelope adds names and a time to the update.
  constexpr std::size_t envelope_bytes_max = 64u << 10;
  if (config.hub.update_bytes_max + envelope_bytes_max > config.log.record_bytes_max) {
    return base::fail(errc::config,
                      "hub.update_bytes_max = " + std::to_string(config.hub.update_bytes_max) +
                          " must leave 64 KiB to log.record_bytes_max = " +
                          std::to_string(config.log.record_bytes_max));
  }
  if (config.quarantine.least > config.quarantine.most) {
    return base::fail(errc::config, "quarantine.retry_min must not exceed quarantine.retry_max");
  }
  if (config.net.tls.certificate.empty() != config.net.tls.key.empty()) {
    return base::fail(errc::config,
                      "tls.certificate and tls.key name one PEM file each: set both or neither");
  }
  if (config.authorization.enabled && config.authorization.key_file.empty()) {
    return base::fail(errc::config,
                      "authorization.enabled = on needs authorization.key_file, against which "
                      "tokens are checked");
  }
  if (config.data.empty()) return base::fail(errc::config, "data must name a directory");
  return check_log(config);
}

std::string print(const Config& config) {
  std::string out;
  std::string section;
  for (const auto& setting : settings()) {
    const auto dot = setting.key.find('.');
    const std::string own = dot == std::string::npos ? "" : setting.key.substr(0, dot);
    if (own != section) {
      if (section == "kafka") out += print_client(config);
      section = own;
      out += section + ":\n";
    }
    const std::string indent = own.empty() ? "" : "  ";
    const std::string name = own.empty() ? setting.key : setting.key.substr(dot + 1);
    YAML::Emitter value;
    value << setting.get(config);
    out += indent + "# " + setting.help + "\n" + indent + name + ": " +
           (value.size() == 0 || setting.get(config).empty() ? "\"\"" : value.c_str()) + "\n";
  }
  return out;
}

}  // namespace weft::app
