#include "tests/bench/server_process.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <vector>

#include "tests/bench/http.hpp"

namespace quorate::bench {
namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

namespace {

constexpr std::chrono::seconds kStartWait{30};
constexpr std::chrono::seconds kStopWait{30};
constexpr std::chrono::milliseconds kPoll{50};
constexpr std::size_t kShownOutput = 2'000;
constexpr std::string_view kListening = "listening on http://127.0.0.1:";

// Standard output and error of the spawned process go to one file.
class FileActions {
 public:
  explicit FileActions(const fs::path& output) {
    posix_spawn_file_actions_init(&actions_);
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

bool is_ready(std::uint16_t port) {
  try {
    return call(port, PreparedRequest("GET", "/readyz", "")).status == 200;
  } catch (const std::exception&) {
    return false;
  }
}

}  // namespace

ServerProcess::ServerProcess(const fs::path& binary, const fs::path& folder)
    : output_path_(folder / "output.txt") {
  spawn(binary, folder);
  try {
    wait_until_ready();
  } catch (...) {
    stop();
    throw;
  }
}

ServerProcess::~ServerProcess() {
  if (has_ended()) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, &status_, 0);
}

void ServerProcess::spawn(const fs::path& binary, const fs::path& folder) {
  std::vector<std::string> arguments{binary,        "serve", "--listen",
                                     "127.0.0.1:0", "--db",  folder / "master.db"};
  for (const char* backup : {"backup1.db", "backup2.db"}) {
    arguments.insert(arguments.end(), {"--backup", folder / backup});
  }
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  const FileActions actions(output_path_);
  const int error = ::posix_spawn(&pid_, binary.c_str(), actions.get(), nullptr, pointers.data(), environ);
  if (error != 0) throw std::system_error(error, std::generic_category(), "cannot start " + binary.string());
}

void ServerProcess::wait_until_ready() {
  for (const auto deadline = Clock::now() + kStartWait; Clock::now() < deadline;) {
    if (has_ended()) throw std::runtime_error("the server ended at once:\n" + output());
    if (port_ == 0) {
      const std::string text = output();
      const std::size_t at = text.find(kListening);
      const std::size_t end = text.find_first_not_of("0123456789", at + kListening.size());
      if (at != std::string::npos && end != std::string::npos) {
        port_ = static_cast<std::uint16_t>(std::stoi(text.substr(at + kListening.size())));
      }
    }
    if (port_ != 0 && is_ready(port_)) return;
    std::this_thread::sleep_for(kPoll);
  }
  throw std::runtime_error("the server does not get ready:\n" + output());
}

std::string ServerProcess::output() const {
  std::ifstream file(output_path_);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  return text.substr(0, kShownOutput);
}

bool ServerProcess::has_ended() {
  if (pid_ > 0 && ::waitpid(pid_, &status_, WNOHANG) == pid_) pid_ = -1;
  return pid_ < 0;
}

std::uint64_t ServerProcess::resident_kib() const {
  std::ifstream file("/proc/" + std::to_string(pid_) + "/status");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("VmRSS:")) return std::stoull(line.substr(6));
  }
  return 0;
}

bool ServerProcess::stop() {
  if (!has_ended()) ::kill(pid_, SIGTERM);
  for (const auto deadline = Clock::now() + kStopWait; !has_ended();) {
    if (Clock::now() > deadline) return false;
    std::this_thread::sleep_for(kPoll);
  }
  return WIFEXITED(status_) && WEXITSTATUS(status_) == 0;
}

std::uint64_t disk_bytes(const fs::path& folder) {
  std::uint64_t bytes = 0;
  std::error_code gone;  // a journal may go away while we look
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder, gone)) {
    const std::uint64_t size = entry.is_regular_file(gone) ? entry.file_size(gone) : 0;
    if (!gone) bytes += size;
  }
  return bytes;
}

}  // namespace quorate::bench
