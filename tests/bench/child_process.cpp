#include "tests/bench/child_process.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <utility>

namespace quorate::bench {
namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

namespace {

constexpr std::chrono::seconds kStopWait{30};
constexpr std::chrono::seconds kCommandWait{120};
constexpr std::chrono::milliseconds kPoll{20};
constexpr std::size_t kShownOutput = 2'000;
// Below those that the system gives to connections, which could take one before its server does.
constexpr int kFirstPort = 12'000;
constexpr int kPorts = 20'000;

class FileActions {
 public:
  explicit FileActions(const fs::path& output) {
    posix_spawn_file_actions_init(&actions_);
    posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions_, STDOUT_FILENO, output.c_str(), O_WRONLY | O_CREAT | O_APPEND,
                                     0644);
    posix_spawn_file_actions_adddup2(&actions_, STDOUT_FILENO, STDERR_FILENO);
  }
  ~FileActions() { posix_spawn_file_actions_destroy(&actions_); }
  FileActions(const FileActions&) = delete;
  const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_{};
};

}  // namespace

ChildProcess::ChildProcess(const std::vector<std::string>& command, fs::path output)
    : output_path_(std::move(output)) {
  std::vector<std::string> arguments{"setpriv", "--pdeathsig", "KILL"};
  arguments.insert(arguments.end(), command.begin(), command.end());
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  const FileActions actions(output_path_);
  const int error = ::posix_spawnp(&pid_, pointers[0], actions.get(), nullptr, pointers.data(), environ);
  if (error != 0) throw std::system_error(error, std::generic_category(), "cannot start " + command.at(0));
}

ChildProcess::~ChildProcess() {
  kill();
}

bool ChildProcess::has_ended() {
  if (!ended_) ended_ = ::waitpid(pid_, &status_, WNOHANG) == pid_;
  return ended_;
}

std::string ChildProcess::output() const {
  std::ifstream file(output_path_);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  return text.size() > kShownOutput ? text.substr(text.size() - kShownOutput) : text;
}

bool ChildProcess::stop(int signal) {
  if (!has_ended()) ::kill(pid_, signal);
  for (const auto deadline = Clock::now() + kStopWait; !has_ended();) {
    if (Clock::now() > deadline) return false;
    std::this_thread::sleep_for(kPoll);
  }
  return WIFEXITED(status_) && WEXITSTATUS(status_) == 0;
}

void ChildProcess::kill() {
  if (has_ended()) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, &status_, 0);
  ended_ = true;
}

std::string run_to_end(const std::vector<std::string>& command, const fs::path& output) {
  ChildProcess process(command, output);
  for (const auto deadline = Clock::now() + kCommandWait; !process.has_ended() && Clock::now() < deadline;) {
    std::this_thread::sleep_for(kPoll);
  }
  if (!process.has_ended() || !process.stop()) {
    throw std::runtime_error("'" + command.at(0) + "' fails:\n" + process.output());
  }
  std::string text = process.output();
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

namespace {

bool is_free(std::uint16_t port) {
  const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) throw std::system_error(errno, std::generic_category(), "socket");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const bool bound = ::bind(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  ::close(descriptor);
  return bound;
}

}  // namespace

// Processes that measure at the same time begin at different places.
std::uint16_t free_port() {
  static int last = ::getpid() % kPorts;
  for (int tries = 0; tries < kPorts; ++tries) {
    last = (last + 1) % kPorts;
    const auto port = static_cast<std::uint16_t>(kFirstPort + last);
    if (is_free(port)) return port;
  }
  throw std::runtime_error("no free port");
}

std::string loopback(std::uint16_t port) {
  return "127.0.0.1:" + std::to_string(port);
}

void wait_until(const std::string& what, const std::function<bool()>& condition,
                const std::vector<ChildProcess*>& children, std::chrono::seconds limit) {
  const auto holds = [&] {
    try {
      return condition();
    } catch (const std::exception&) {
      return false;
    }
  };
  const auto deadline = Clock::now() + limit;
  bool all_run = true;
  while (!holds()) {
    for (ChildProcess* child : children) all_run = all_run && !child->has_ended();
    if (!all_run || Clock::now() > deadline) {
      std::string message = "'" + what + "' does not happen";
      for (ChildProcess* child : children) message += "\n---\n" + child->output();
      throw std::runtime_error(message);
    }
    std::this_thread::sleep_for(kPoll);
  }
}

void ChildProcesses::start(const std::vector<std::string>& command, const fs::path& output) {
  processes_.push_back(std::make_unique<ChildProcess>(command, output));
}

void ChildProcesses::wait_for(const std::string& what, const std::function<bool()>& condition,
                              std::chrono::seconds limit) const {
  std::vector<ChildProcess*> children;
  for (const auto& process : processes_) children.push_back(process.get());
  wait_until(what, condition, children, limit);
}

std::vector<pid_t> ChildProcesses::pids() const {
  std::vector<pid_t> pids;
  for (const auto& process : processes_) pids.push_back(process->pid());
  return pids;
}

}  // namespace quorate::bench
