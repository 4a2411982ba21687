#include "weft/app/events.h"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <nlohmann/json.hpp>

namespace weft::app {

namespace {

constexpr const char* json_logger = "json";

spdlog::level::level_enum level_of(base::severity level) {
  switch (level) {
    case base::severity::trace:
      return spdlog::level::trace;
    case base::severity::debug:
      return spdlog::level::debug;
    case base::severity::info:
      return spdlog::level::info;
    case base::severity::warn:
      return spdlog::level::warn;
    case base::severity::error:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

class SpdlogEvents final : public base::Events {
 public:
  bool wants(base::severity level) const override { return logger_->should_log(level_of(level)); }

  void report(base::severity level, std::string_view name,
              std::initializer_list<base::event_field> fields) override {
    if (!wants(level)) return;
    std::string line;
    if (logger_->name() == json_logger) {
      nlohmann::ordered_json object;
      for (const auto& [key, value] : fields) object[std::string(key)] = value;
      line = nlohmann::json(name).dump();
      const auto rest =
          object.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
      if (fields.size() != 0) line += "," + rest.substr(1, rest.size() - 2);
    } else {
      line = name;
      for (const auto& [key, value] : fields) {
        line += " " + std::string(key) + "=";
        line += value.find(' ') == std::string::npos ? value : "\"" + value + "\"";
      }
    }
    logger_->log(level_of(level), line);
  }

 private:
  std::shared_ptr<spdlog::logger> logger_ = spdlog::default_logger();
};

}  // namespace

void set_up_logging(const std::string& level, bool json) {
  auto logger = spdlog::stderr_color_mt(json ? json_logger : "text");
  logger->set_level(spdlog::level::from_str(level));
  logger->set_pattern(json ? R"({"time":"%Y-%m-%dT%H:%M:%S.%e%z","level":"%l","event":%v})"
                           : "%Y-%m-%dT%H:%M:%S.%e %^%l%$ %v");
  logger->flush_on(spdlog::level::info);
  spdlog::set_default_logger(std::move(logger));
}

std::unique_ptr<base::Events> make_events() { return std::make_unique<SpdlogEvents>(); }

}  // namespace weft::app
