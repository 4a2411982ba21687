#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

namespace weft::test {

/// A program under the interposer that loses unsynced bytes (unsynced_interposer.c), its standard
/// output readable. Bytes under `home` are watched; the file `full` in it fills the disk.
class CrashingProcess {
 public:
  CrashingProcess(std::vector<std::string> arguments, const std::string& interposer,
                  const std::filesystem::path& home, std::vector<std::string> settings = {}) {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    output_ = ends[0];
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    settings.push_back("LD_PRELOAD=" + interposer);
    settings.push_back("WEFT_UNSYNCED_DIR=" + home.string());
    settings.push_back("WEFT_DISK_FULL_FILE=" + (home / "full").string());
    // The interposer stands before the sanitizer's runtime; both only pass calls on.
    settings.push_back("ASAN_OPTIONS=verify_asan_link_order=0:detect_leaks=0");
    if (const char* options = std::getenv("TSAN_OPTIONS")) {
      settings.push_back(std::string("TSAN_OPTIONS=") + options);
    }
    std::vector<char*> argv;
    std::vector<char*> environment;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    for (std::string& setting : settings) environment.push_back(setting.data());
    argv.push_back(nullptr);
    environment.push_back(nullptr);
    EXPECT_EQ(::posix_spawn(&process_, argv[0], &actions, nullptr, argv.data(), environment.data()),
              0);
    posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
  }
  ~CrashingProcess() { ::close(output_); }
  CrashingProcess(const CrashingProcess&) = delete;
  CrashingProcess& operator=(const CrashingProcess&) = delete;

  /// Reads until there are `bytes` of output, or all of it.
  void read_output(std::size_t bytes = ~std::size_t{0}) {
    char buffer[65536];
    while (text_.size() < bytes) {
      const ssize_t got = ::read(output_, buffer, sizeof buffer);
      if (got <= 0) return;
      text_.append(buffer, static_cast<std::size_t>(got));
    }
  }
  void lose_power() const { ::kill(process_, SIGUSR2); }
  /// The exit status; what ended it, negative, when that was a signal.
  int wait() {
    int status = 0;
    EXPECT_EQ(::waitpid(process_, &status, 0), process_);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }
  const std::string& text() const { return text_; }
  /// What it said in whole lines.
  std::string lines() const { return text_.substr(0, text_.rfind('\n') + 1); }

 private:
  pid_t process_ = 0;
  int output_ = -1;
  std::string text_;
};

}  // namespace weft::test
