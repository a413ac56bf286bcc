#include "tests/bench/report.hpp"

#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <thread>

namespace quorate::bench {
namespace {

// Of each run what `read` makes of it, the least first; a zero when there is no run.
template <typename Read>
auto sorted(const std::vector<RunResult>& runs, Read read) {
  std::vector<decltype(read(runs.front()))> values;
  for (const RunResult& run : runs) values.push_back(read(run));
  if (values.empty()) values.emplace_back();
  std::ranges::sort(values);
  return values;
}

template <typename Read>
auto median_of(const std::vector<RunResult>& runs, Read read) {
  const auto values = sorted(runs, read);
  return (values[(values.size() - 1) / 2] + values[values.size() / 2]) / 2;
}

double rate_of(const RunResult& run) {
  return run.per_second();
}

std::string cpu_model() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  }
  return "unknown";
}

std::string file_system(const std::filesystem::path& folder) {
  struct statfs information{};
  if (::statfs(folder.c_str(), &information) != 0) return "unknown";
  switch (information.f_type) {
    case 0xEF53: return "ext4";
    case 0x58465342: return "xfs";
    case 0x9123683E: return "btrfs";
    case 0x01021994: return "tmpfs";
    case 0x794C7630: return "overlayfs";
    default: return fmt::format("type 0x{:x}", static_cast<unsigned long>(information.f_type));
  }
}

double load_average() {
  double load = 0;
  return ::getloadavg(&load, 1) == 1 ? load : -1;
}

std::string disk_name(const std::filesystem::path& folder) {
  struct stat information{};
  if (::stat(folder.c_str(), &information) != 0) return "unknown";
  std::ifstream file(
      fmt::format("/sys/dev/block/{}:{}/uevent", major(information.st_dev), minor(information.st_dev)));
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("DEVNAME=")) return line.substr(8);
  }
  return "unknown";
}

std::string row_text(const Measurement& measurement) {
  return fmt::format(
      "| {} | {} | {} | {:.0f} | {:.0f}–{:.0f} | {} | {} | {} | {} | {} | {:.2f} | {:.2f} | {} |\n",
      measurement.name, measurement.connections, measurement.target, measurement.median(),
      measurement.slowest(), measurement.fastest(), time_text(measurement.latency(0.5)),
      time_text(measurement.latency(0.9)), time_text(measurement.latency(0.99)),
      time_text(measurement.latency(0.999)), time_text(measurement.longest()), measurement.node_cores(),
      measurement.generator_cores(), measurement.errors());
}

}  // namespace

std::string time_text(std::chrono::nanoseconds time) {
  const double us = static_cast<double>(time.count()) / 1e3;
  if (us < 10) return fmt::format("{:.1f} µs", us);
  if (us < 1'000) return fmt::format("{:.0f} µs", us);
  return us < 10'000 ? fmt::format("{:.2f} ms", us / 1e3) : fmt::format("{:.1f} ms", us / 1e3);
}

double Measurement::median() const {
  return median_of(runs, rate_of);
}

double Measurement::slowest() const {
  return sorted(runs, rate_of).front();
}

double Measurement::fastest() const {
  return sorted(runs, rate_of).back();
}

std::chrono::nanoseconds Measurement::latency(double quantile) const {
  return median_of(runs, [=](const RunResult& run) { return run.latency.at(quantile); });
}

std::chrono::nanoseconds Measurement::longest() const {
  return sorted(runs, [](const RunResult& run) { return run.latency.at(1); }).back();
}

double Measurement::node_cores() const {
  return median_of(runs, [](const RunResult& run) { return run.node_cores; });
}

double Measurement::generator_cores() const {
  return median_of(runs, [](const RunResult& run) { return run.generator_cores; });
}

std::uint64_t Measurement::errors() const {
  std::uint64_t errors = 0;
  for (const RunResult& run : runs) errors += run.errors;
  return errors;
}

nlohmann::json describe_conditions(const std::filesystem::path& folder, const std::string& commit) {
  utsname system{};
  ::uname(&system);
  const std::tm now = fmt::gmtime(std::chrono::system_clock::now());
  return {{"date", fmt::format("{:%Y-%m-%d %H:%M} UTC", now)},
          {"commit", commit},
          {"cpu", cpu_model()},
          {"cores", std::thread::hardware_concurrency()},
          {"kernel", std::string(system.sysname) + " " + system.release},
          {"compiler", __VERSION__},
          {"file_system", file_system(folder)},
          {"disk", disk_name(folder)},
          {"load_average_before", load_average()}};
}

nlohmann::json to_json(const RunResult& run) {
  const auto us = [&](double quantile) {
    return static_cast<double>(run.latency.at(quantile).count()) / 1e3;
  };
  return {{"per_second", run.per_second()},
          {"p50_us", us(0.5)},
          {"p90_us", us(0.9)},
          {"p99_us", us(0.99)},
          {"p999_us", us(0.999)},
          {"max_us", us(1)},
          {"late", run.late},
          {"unsent", run.unsent},
          {"errors", run.errors}};
}

nlohmann::json to_json(const std::vector<Measurement>& measurements) {
  nlohmann::json list = nlohmann::json::array();
  for (const Measurement& measurement : measurements) {
    const auto us = [](std::chrono::nanoseconds time) { return static_cast<double>(time.count()) / 1e3; };
    nlohmann::json runs = nlohmann::json::array();
    for (const RunResult& run : measurement.runs) runs.push_back(to_json(run));
    list.push_back({{"name", measurement.name},
                    {"target", measurement.target},
                    {"connections", measurement.connections},
                    {"per_second_median", measurement.median()},
                    {"runs", runs},
                    {"p50_us", us(measurement.latency(0.5))},
                    {"p90_us", us(measurement.latency(0.9))},
                    {"p99_us", us(measurement.latency(0.99))},
                    {"p999_us", us(measurement.latency(0.999))},
                    {"max_us", us(measurement.longest())},
                    {"node_cores", measurement.node_cores()},
                    {"generator_cores", measurement.generator_cores()},
                    {"errors", measurement.errors()}});
  }
  return list;
}

std::string to_markdown(const std::vector<Measurement>& measurements) {
  std::string text =
      "| measured | connections | target | per second (median) | slowest–fastest run | p50 | p90 | p99 | "
      "p99.9 | "
      "max | cores of its nodes | cores of the generator | errors |\n"
      "|---|---:|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n";
  for (const Measurement& measurement : measurements) text += row_text(measurement);
  return text;
}

std::string conditions_to_markdown(const nlohmann::json& conditions) {
  return fmt::format(
      "Conditions: {}, commit {}, {} with {} cores shared by servers and client, {}, {}, {} on {}, load "
      "average "
      "before {:.2f}.\n",
      conditions.at("date").get<std::string>(), conditions.at("commit").get<std::string>(),
      conditions.at("cpu").get<std::string>(), conditions.at("cores").get<unsigned>(),
      conditions.at("kernel").get<std::string>(), conditions.at("compiler").get<std::string>(),
      conditions.at("file_system").get<std::string>(), conditions.at("disk").get<std::string>(),
      conditions.at("load_average_before").get<double>());
}

std::filesystem::path write_json(const std::filesystem::path& folder, const std::string& name,
                                 const nlohmann::json& content) {
  const std::tm now = fmt::gmtime(std::chrono::system_clock::now());
  std::filesystem::path path = folder / fmt::format("{}-{:%Y%m%d-%H%M%S}.json", name, now);
  std::ofstream file(path);
  file << content.dump(2) << '\n';
  if (!file.flush()) throw std::runtime_error("cannot write " + path.string());
  return path;
}

}  // namespace quorate::bench
