#include "tests/bench/process_usage.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>

namespace quorate::bench {
namespace {

struct Stat {
  pid_t parent = 0;
  std::uint64_t ticks = 0;
  std::uint64_t resident_pages = 0;
};

// /proc/PID/stat as proc(5) has it; the fields after the name, which may contain anything, begin with the third.
bool read_stat(pid_t process, Stat& stat) {
  std::ifstream file("/proc/" + std::to_string(process) + "/stat");
  std::string line;
  if (!std::getline(file, line)) return false;
  std::istringstream fields(line.substr(line.rfind(')') + 1));
  std::string skipped;
  fields >> skipped >> stat.parent;
  for (int field = 5; field <= 13; ++field) fields >> skipped;
  for (int field = 14; field <= 17; ++field) {
    std::uint64_t ticks = 0;
    fields >> ticks;
    stat.ticks += ticks;
  }
  for (int field = 18; field <= 23; ++field) fields >> skipped;
  fields >> stat.resident_pages;
  return static_cast<bool>(fields);
}

std::map<pid_t, Stat> all_processes() {
  std::map<pid_t, Stat> processes;
  std::error_code gone;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", gone)) {
    const std::string name = entry.path().filename();
    pid_t process = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), process);
    Stat stat;
    if (error == std::errc{} && end == name.data() + name.size() && read_stat(process, stat)) {
      processes[process] = stat;
    }
  }
  return processes;
}

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

}  // namespace

ProcessUsage usage_of(const std::vector<pid_t>& processes) {
  const std::map<pid_t, Stat> all = all_processes();
  const auto belongs = [&](pid_t process) {
    for (auto found = all.find(process); found != all.end(); found = all.find(found->second.parent)) {
      if (std::ranges::find(processes, found->first) != processes.end()) return true;
    }
    return false;
  };
  ProcessUsage usage;
  for (const auto& [process, stat] : all) {
    if (!belongs(process)) continue;
    usage.processor += std::chrono::duration<double>(static_cast<double>(stat.ticks) /
                                                     static_cast<double>(::sysconf(_SC_CLK_TCK)));
    usage.resident_kib += stat.resident_pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)) / 1024;
  }
  return usage;
}

std::chrono::duration<double> own_processor_time() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return std::chrono::duration<double>(seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime));
}

}  // namespace quorate::bench
