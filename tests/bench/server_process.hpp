// A real `quorate serve` with three nodes, run as a process of its own on an empty folder.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>

namespace quorate::bench {

class ServerProcess {
 public:
  // Starts the server with its databases in `folder`, and blocks until it is ready. Throws with the tail of its output
  // when it ends or is not ready within half a minute.
  ServerProcess(const std::filesystem::path& binary, const std::filesystem::path& folder);
  ~ServerProcess();  // kills it, if stop() was not called
  ServerProcess(const ServerProcess&) = delete;

  std::uint16_t port() const { return port_; }

  // Its resident memory in KiB, 0 when it is gone.
  std::uint64_t resident_kib() const;

  // Asks it to end and waits. Returns false when it did not exit with 0 in time.
  bool stop();

 private:
  void spawn(const std::filesystem::path& binary, const std::filesystem::path& folder);
  void wait_until_ready();
  std::string output() const;
  bool has_ended();

  std::filesystem::path output_path_;
  pid_t pid_ = -1;
  int status_ = 0;
  std::uint16_t port_ = 0;
};

// Bytes of all files in the folder.
std::uint64_t disk_bytes(const std::filesystem::path& folder);

}  // namespace quorate::bench
