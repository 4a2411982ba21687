#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "common/process.h"
#include "raw/raw_server.h"

namespace {

int usage() {
  std::fputs(
      "usage: raw_server --port PORT [--mode gather | gather-wal | file] [--path FILE]\n"
      "                  [--sync-interval-us US]\n"
      "  gather      broadcast by URL path, one gathered write per connection and turn\n"
      "  gather-wal  the same after an append to FILE and fdatasync, at most one every US\n"
      "  file        answer a connection's first message with FILE as a SyncStep2\n",
      stderr);
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  weft::bench::RawOptions options;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view name = argv[i];
    const std::string_view value = argv[i + 1];
    if (name == "--port") {
      options.port = static_cast<std::uint16_t>(std::atoi(argv[i + 1]));
    } else if (name == "--path") {
      options.path = value;
    } else if (name == "--sync-interval-us") {
      options.sync_interval_us = std::atoll(argv[i + 1]);
    } else if (name == "--mode" && value == "gather") {
      options.mode = weft::bench::raw_mode::gather;
    } else if (name == "--mode" && value == "gather-wal") {
      options.mode = weft::bench::raw_mode::gather_wal;
    } else if (name == "--mode" && value == "file") {
      options.mode = weft::bench::raw_mode::file;
    } else {
      return usage();
    }
  }
  const bool needs_path = options.mode != weft::bench::raw_mode::gather;
  if (argc % 2 == 0 || options.port == 0 || needs_path == options.path.empty()) return usage();
  std::signal(SIGPIPE, SIG_IGN);
  weft::bench::raise_file_limit();
  return weft::bench::RawServer(options).run();
}
