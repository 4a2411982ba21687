// The command line. Exit codes: 0 done, 1 failed, 2 wrong usage or configuration.

#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <map>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "weft/app/ask_server.h"
#include "weft/app/backup.h"
#include "weft/app/config.h"
#include "weft/app/doctor.h"
#include "weft/app/events.h"
#include "weft/app/inspect.h"
#include "weft/app/server.h"
#include "weft/app/trace.h"

extern char** environ;

namespace {

using weft::app::Config;

constexpr int exit_failed = 1;
constexpr int exit_usage = 2;

/// File, environment, flags, in this order. Returns false after saying what is wrong.
bool load(Config& config, const std::string& file,
          const std::map<std::string, std::string>& flags) {
  auto say = [](const weft::base::error& why) {
    std::fprintf(stderr, "weft: %s\n", why.message.c_str());
    return false;
  };
  std::string path = file;
  if (const char* named = std::getenv("WEFT_CONFIG"); path.empty() && named) path = named;
  if (!path.empty()) {
    if (auto ok = weft::app::apply_file(config, path); !ok) return say(ok.error());
  }
  if (auto ok = weft::app::apply_environment(config, environ); !ok) return say(ok.error());
  for (const auto& [key, value] : flags) {
    if (auto ok = weft::app::apply(config, key, value); !ok) return say(ok.error());
  }
  if (auto ok = weft::app::check(config); !ok) return say(ok.error());
  return true;
}

/// Each connection is a descriptor, and shells allow few by default.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

int serve(const Config& config) {
  raise_descriptor_limit();
  // Blocked before any thread starts, so that only sigwait sees them.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  // Without TLS there is nothing to reload, and a closed terminal ends the server as ever.
  if (config.net.tls.enabled()) sigaddset(&signals, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  weft::app::set_up_logging(config.log_level, config.log_format == "json");

  const auto events = weft::app::make_events();
  auto node = weft::app::Node::start(config);
  if (!node) {
    std::fprintf(stderr, "weft: %s\n", node.error().message.c_str());
    return node.error().code == weft::app::errc::config ? exit_usage : exit_failed;
  }
  std::printf("Weft serves %s (data in %s)\n", (*node)->address().c_str(), config.data.c_str());
  if (!config.web.empty()) std::printf("Open %s/ in a browser\n", (*node)->address().c_str());
  std::fflush(stdout);

  int signal = 0;
  while (sigwait(&signals, &signal) == 0 && signal == SIGHUP) (*node)->reload_certificate();
  events->report(weft::base::severity::info, "drain.started", {{"signal", std::to_string(signal)}});
  const bool in_time = (*node)->drain();
  if (!in_time) {
    events->report(weft::base::severity::error, "drain.late",
                   {{"reason", "drain_timeout_ms passed before everything was closed"}});
    return exit_failed;
  }
  events->report(weft::base::severity::info, "drain.done", {});
  return 0;
}

/// Asks the server that runs with this configuration.
int backup(const Config& config, const std::string& directory) {
  const auto target = std::filesystem::absolute(directory).lexically_normal().string();
  const auto answer =
      weft::app::ask_server(config, "/v1/backup", nlohmann::json({{"directory", target}}).dump());
  if (!answer) {
    std::fprintf(stderr, "weft: backup: %s (a stopped server is backed up by copying %s)\n",
                 answer.error().message.c_str(), config.data.c_str());
    return exit_failed;
  }
  if (answer->status != 201) {
    std::fprintf(stderr, "weft: backup: %s\n", weft::app::problem_detail(*answer).c_str());
    return exit_failed;
  }
  std::printf("%s: read back and equal to the log\n%s", target.c_str(), answer->body.c_str());
  return 0;
}

/// Goes on as the program beside this one that counts. Returns when there is none.
void become_metered(char** argv) {
  std::error_code failed;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", failed);
  if (!failed) ::execv((self.parent_path() / "weft-metered").c_str(), argv);
  std::fprintf(stderr, "weft: trace: no weft-metered beside %s: times only, nothing is counted\n",
               self.c_str());
}

int trace(const Config& config, const weft::app::TraceOptions& options, char** argv) {
  if (options.local && !weft::app::thread_meter()) become_metered(argv);
  weft::app::set_up_logging(config.log_level, config.log_format == "json");
  return weft::app::run_trace(config, options, weft::app::thread_meter(), std::cout, std::cerr);
}

int restore(const Config& config, const std::string& directory) {
  const auto restored = weft::app::restore_backup(directory, config.data);
  if (!restored) {
    std::fprintf(stderr, "weft: restore: %s\n", restored.error().message.c_str());
    return exit_failed;
  }
  std::printf("%s: %llu documents, %llu records, as a new incarnation\n", config.data.c_str(),
              static_cast<unsigned long long>(restored->log.documents),
              static_cast<unsigned long long>(restored->log.records));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Weft: documents that many people edit at once"};
  app.require_subcommand(1);
  std::string file;
  std::map<std::string, std::string> flags;
  auto add_settings = [&](CLI::App& command) {
    command.add_option("-c,--config", file, "YAML file (also WEFT_CONFIG)");
    for (const auto& setting : weft::app::settings()) {
      command.add_option_function<std::string>(
          "--" + setting.key, [&flags, key = setting.key](const std::string& v) { flags[key] = v; },
          setting.help);
    }
  };
  auto* serve_command = app.add_subcommand("serve", "serve documents");
  add_settings(*serve_command);
  auto* config_command = app.add_subcommand("config", "look at the configuration");
  config_command->require_subcommand(1);
  auto* check_command = config_command->add_subcommand("check", "say whether it is valid");
  add_settings(*check_command);
  auto* print_command = config_command->add_subcommand("print", "print it with all defaults");
  add_settings(*print_command);
  weft::app::InspectOptions inspect_options;
  auto* inspect_command = app.add_subcommand("inspect", "show what is in an update or envelope");
  inspect_command->add_option("FILE", inspect_options.source, "a file, or - for standard input")
      ->required();
  inspect_command->add_flag("--content", inspect_options.content, "also what the document shows");
  inspect_command->add_flag("--json", inspect_options.json, "for machines, nothing shortened");
  inspect_command->add_flag("--base64", inspect_options.base64, "the input is Base64");
  std::string directory;
  auto* backup_command = app.add_subcommand("backup", "back up a running server, verified");
  add_settings(*backup_command);
  backup_command->add_option("DIRECTORY", directory, "made by the server; must not exist")
      ->required();
  auto* restore_command =
      app.add_subcommand("restore", "make the data directory (--data) out of a backup");
  add_settings(*restore_command);
  restore_command->add_option("BACKUP", directory, "what weft backup made")->required();
  weft::app::DoctorRequest doctor;
  auto* doctor_command = app.add_subcommand(
      "doctor", "check the data directory (--data) of a stopped server, and repair a document");
  add_settings(*doctor_command);
  doctor_command->add_option(
      "--repair", doctor.repair,
      "repair this document (room/document, or room/document?subdocument=guid; percent-encoded)");
  doctor_command->add_flag("--repair-log", doctor.repair_log,
                           "make the log's commits that cannot be read anew");
  doctor_command->add_option("--restore", doctor.restore, "repair this document out of a backup");
  doctor_command->add_option("--from", doctor.from, "the backup, with --restore");
  doctor_command->add_flag("--json", doctor.json, "say it as JSON");
  weft::app::TraceOptions trace_options;
  auto* trace_command =
      app.add_subcommand("trace", "follow one edit through a server, step by step");
  add_settings(*trace_command);
  trace_command->add_option("DOCUMENT", trace_options.document,
                            "of the running server: its next edit (room/document, or "
                            "room/document?subdocument=guid; percent-encoded)");
  trace_command->add_flag("--local", trace_options.local,
                          "an edit in a server of its own, in a scratch directory; also counts");
  trace_command->add_option("--receivers", trace_options.receivers, "with --local: how many")
      ->check(CLI::Range(1, 1000));
  trace_command->add_option("--text-bytes", trace_options.text_bytes, "with --local: in the edit")
      ->check(CLI::Range(1, 1'000'000));
  trace_command->add_option("--wait-ms", trace_options.wait_ms, "how long to wait for the edit")
      ->check(CLI::Range(1, 600'000));
  trace_command->add_flag("--json", trace_options.json, "say it as JSON");
  auto* version_command = app.add_subcommand("version", "print the version");

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : exit_usage;
  }
  if (version_command->parsed()) {
    std::printf("weft %s\n", WEFT_VERSION);
    return 0;
  }
  if (inspect_command->parsed()) {
    return weft::app::run_inspect(inspect_options, std::cin, std::cout, std::cerr);
  }
  Config config;
  if (!load(config, file, flags)) return exit_usage;
  if (print_command->parsed()) {
    std::fputs(weft::app::print(config).c_str(), stdout);
    return 0;
  }
  if (check_command->parsed()) {
    std::puts("configuration is valid");
    return 0;
  }
  if (backup_command->parsed()) return backup(config, directory);
  if (restore_command->parsed()) return restore(config, directory);
  if (trace_command->parsed()) return trace(config, trace_options, argv);
  if (doctor_command->parsed()) {
    doctor.data = config.data;
    return weft::app::run_doctor(doctor);
  }
  return serve(config);
}
