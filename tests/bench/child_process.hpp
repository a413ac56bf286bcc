// A program that runs beside the benchmark, and ends with it.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <functional>
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

// A TCP port of 127.0.0.1 that is free now. Throws when there is none.
std::uint16_t free_port();

// Blocks until the condition holds, asking every 20 ms; a condition that throws does not hold. Throws "... does not
// happen" with `what`, and with the children's output, after `limit` or as soon as one of them has ended.
void wait_until(const std::string& what, const std::function<bool()>& condition,
                const std::vector<ChildProcess*>& children,
                std::chrono::seconds limit = std::chrono::seconds(30));

}  // namespace quorate::bench
