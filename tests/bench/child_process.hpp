// Programs that run beside the benchmark, and end with it. One thread.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace quorate::bench {

class ChildProcess {
 public:
  // Starts command[0], found by PATH, with the rest as arguments. Standard output and error are appended to `output`. It
  // is killed when the benchmark dies, however that happens. Throws when it cannot be started.
  ChildProcess(const std::vector<std::string>& command, std::filesystem::path output);
  ~ChildProcess();  // kills it, if it has not ended
  ChildProcess(const ChildProcess&) = delete;

  pid_t pid() const { return pid_; }
  bool has_ended();

  // The end of what it has written so far.
  std::string output() const;

  // Sends the signal and waits, at most half a minute. Returns true when it exited with 0.
  bool stop(int signal = SIGTERM);
  // Ends it at once, and waits until it is gone.
  void kill();

 private:
  std::filesystem::path output_path_;
  pid_t pid_ = -1;
  int status_ = 0;
  bool ended_ = false;
};

// Runs the command to its end and returns the end of its output, without the last newline. Throws with it when the
// command does not exit with 0 within two minutes.
std::string run_to_end(const std::vector<std::string>& command, const std::filesystem::path& output);

// A TCP port of 127.0.0.1 that is free now, each time another one. Throws when there is none. One thread.
std::uint16_t free_port();

// "127.0.0.1:PORT"
std::string loopback(std::uint16_t port);

// How long something may take to happen, unless it is known to take longer.
inline constexpr std::chrono::seconds kWaitLimit{30};

// Blocks until the condition holds, asking every 20 ms; a condition that throws does not hold. Throws "... does not
// happen" with `what`, and with the children's output, after `limit` or as soon as one of them has ended.
void wait_until(const std::string& what, const std::function<bool()>& condition,
                const std::vector<ChildProcess*>& children, std::chrono::seconds limit = kWaitLimit);

// The processes of one cluster, in the order in which they were started. Those that run are killed with it.
class ChildProcesses {
 public:
  // Starts one more, as ChildProcess does.
  void start(const std::vector<std::string>& command, const std::filesystem::path& output);

  // Blocks as wait_until() does, and throws likewise, with what all of them have written.
  void wait_for(const std::string& what, const std::function<bool()>& condition,
                std::chrono::seconds limit = kWaitLimit) const;

  std::vector<pid_t> pids() const;
  std::size_t count() const { return processes_.size(); }
  // Throws std::out_of_range when there is no such process.
  ChildProcess& at(std::size_t number) { return *processes_.at(number); }

 private:
  std::vector<std::unique_ptr<ChildProcess>> processes_;
};

}  // namespace quorate::bench
