#include "tests/bench/server_process.hpp"

#include <string>
#include <vector>

#include "tests/bench/http.hpp"

namespace quorate::bench {
namespace fs = std::filesystem;

namespace {

std::vector<std::string> command_line(const fs::path& binary, const fs::path& folder, std::uint16_t port) {
  return {binary,     "serve",
          "--listen", "127.0.0.1:" + std::to_string(port),
          "--db",     folder / "master.db",
          "--backup", folder / "backup1.db",
          "--backup", folder / "backup2.db"};
}

}  // namespace

bool is_ready(std::uint16_t port) {
  return call(port, PreparedRequest("GET", "/readyz", "")).status == 200;
}

ServerProcess::ServerProcess(const fs::path& binary, const fs::path& folder)
    : port_(free_port()), process_(command_line(binary, folder, port_), folder / "output.txt") {
  wait_until("the server is ready", [this] { return is_ready(port_); }, {&process_});
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
