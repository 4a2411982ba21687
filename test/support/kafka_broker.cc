#include "support/kafka_broker.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>

namespace weft::test {
namespace {

constexpr const char* ready_words = "Kafka Server started";
constexpr std::chrono::seconds start_deadline{60};
constexpr std::size_t said_bytes_max = 20'000;

/// A port that nobody listens on now.
int free_port() {
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  int port = 0;
  if (::bind(socket, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
      ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) == 0) {
    port = ntohs(address.sin_port);
  }
  ::close(socket);
  return port;
}

}  // namespace

KafkaBroker::KafkaBroker() : port_(free_port()), controller_port_(free_port()) {
  const std::string controller = "127.0.0.1:" + std::to_string(controller_port_);
  std::ofstream(directory_.path() / "server.properties")
      << "process.roles=broker,controller\n"
         "node.id=1\n"
         "controller.listener.names=CONTROLLER\n"
      << "controller.quorum.voters=1@" << controller << "\n"
      << "listeners=PLAINTEXT://" << address() << ",CONTROLLER://" << controller << "\n"
      << "log.dirs=" << (directory_.path() / "data").string() << "\n"
      << "auto.create.topics.enable=false\n"
         "offsets.topic.replication.factor=1\n"
         "transaction.state.log.replication.factor=1\n"
         "transaction.state.log.min.isr=1\n"
         "num.network.threads=2\n"
         "num.io.threads=2\n"
         "log.cleaner.enable=false\n"
         // One that was killed may come back as soon as it is no longer expected to be alive.
         "broker.session.timeout.ms=2000\n"
         "broker.heartbeat.interval.ms=500\n";
  if (format()) start();
}

KafkaBroker::~KafkaBroker() { kill(); }

std::vector<std::string> KafkaBroker::java(const std::string& main_class) const {
  return {"java",
          "-Xmx384m",
          "-XX:+UseSerialGC",
          "-XX:TieredStopAtLevel=1",
          "-Dorg.slf4j.simpleLogger.logFile=System.out",
          "-cp",
          WEFT_KAFKA_JARS "/*",
          main_class};
}

pid_t KafkaBroker::spawn(const std::vector<std::string>& arguments) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return 0;
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child == 0) {
    // It must not outlive a test that crashes.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(1);
    ::dup2(ends[1], STDOUT_FILENO);
    ::dup2(ends[1], STDERR_FILENO);
    ::execvp(argv[0], argv.data());
    ::_exit(127);
  }
  ::close(ends[1]);
  started_ = ended_ = false;
  reader_ = std::thread([this, output = ends[0]] { listen_to(output); });
  return child < 0 ? 0 : child;
}

void KafkaBroker::listen_to(int output) {
  char buffer[4096];
  for (;;) {
    const ssize_t got = ::read(output, buffer, sizeof buffer);
    const std::scoped_lock lock(mutex_);
    if (got <= 0) {
      ended_ = true;
      changed_.notify_all();
      break;
    }
    said_.append(buffer, static_cast<std::size_t>(got));
    if (!started_ && said_.find(ready_words) != std::string::npos) {
      started_ = true;
      changed_.notify_all();
    }
    if (said_.size() > 2 * said_bytes_max) said_.erase(0, said_.size() - said_bytes_max);
  }
  ::close(output);
}

bool KafkaBroker::format() {
  auto arguments = java("kafka.tools.StorageTool");
  for (const char* argument : {"format", "-t", "d2VmdC10ZXN0cy1rYWZrYQ", "-c"}) {
    arguments.emplace_back(argument);
  }
  arguments.push_back((directory_.path() / "server.properties").string());
  const pid_t tool = spawn(arguments);
  if (tool == 0) return false;
  reader_.join();
  int status = 0;
  ::waitpid(tool, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool KafkaBroker::start() {
  {
    const std::scoped_lock lock(mutex_);
    said_.clear();
  }
  auto arguments = java("kafka.Kafka");
  arguments.push_back((directory_.path() / "server.properties").string());
  process_ = spawn(arguments);
  if (process_ == 0) return false;
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, start_deadline, [this] { return started_ || ended_; });
  if (started_ && !ended_) return true;
  lock.unlock();
  kill();
  return false;
}

void KafkaBroker::kill() {
  if (process_ == 0) return;
  ::kill(process_, SIGKILL);
  ::waitpid(process_, nullptr, 0);
  process_ = 0;
  reader_.join();
}

bool KafkaBroker::forget_records(const std::string& topic, int partition) {
  const auto segment = directory_.path() / "data" / (topic + "-" + std::to_string(partition)) /
                       "00000000000000000000.log";
  // A batch begins with its first offset (8 bytes) and how many bytes follow (4), big-endian.
  constexpr std::size_t head_bytes = 12;
  unsigned char head[head_bytes] = {};
  std::ifstream(segment, std::ios::binary).read(reinterpret_cast<char*>(head), head_bytes);
  std::uintmax_t kept = 0;
  for (std::size_t i = 8; i < head_bytes; ++i) kept = kept << 8 | head[i];
  kept += head_bytes;
  std::error_code failed;
  if (std::filesystem::file_size(segment, failed) <= kept || failed) return false;
  std::filesystem::resize_file(segment, kept, failed);
  return !failed;
}

void KafkaBroker::pause() { ::kill(process_, SIGSTOP); }
void KafkaBroker::go_on() { ::kill(process_, SIGCONT); }

std::string KafkaBroker::last_words() const {
  const std::scoped_lock lock(mutex_);
  return said_;
}

}  // namespace weft::test
