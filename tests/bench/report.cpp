#include "tests/bench/report.hpp"

#include <sys/statfs.h>
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

std::vector<double> sorted_rates(const std::vector<RunResult>& runs) {
  std::vector<double> rates;
  for (const RunResult& run : runs) rates.push_back(run.per_second());
  std::ranges::sort(rates);
  return rates.empty() ? std::vector<double>{0} : rates;
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

std::string time_text(std::chrono::nanoseconds time) {
  const double us = static_cast<double>(time.count()) / 1e3;
  if (us < 10) return fmt::format("{:.1f} µs", us);
  if (us < 1'000) return fmt::format("{:.0f} µs", us);
  return us < 10'000 ? fmt::format("{:.2f} ms", us / 1e3) : fmt::format("{:.1f} ms", us / 1e3);
}

std::string row_text(const Measurement& measurement) {
  const Histogram latency = measurement.latency();
  return fmt::format("| {} | {} | {:.0f} | {:.0f}–{:.0f} | {} | {} | {} | {} |\n", measurement.name,
                     measurement.connections, measurement.median(), measurement.slowest(),
                     measurement.fastest(), time_text(latency.at(0.5)), time_text(latency.at(0.99)),
                     measurement.errors(), measurement.compared);
}

}  // namespace

double Measurement::median() const {
  const std::vector<double> rates = sorted_rates(runs);
  return (rates[(rates.size() - 1) / 2] + rates[rates.size() / 2]) / 2;
}

double Measurement::slowest() const {
  return sorted_rates(runs).front();
}

double Measurement::fastest() const {
  return sorted_rates(runs).back();
}

Histogram Measurement::latency() const {
  Histogram all;
  for (const RunResult& run : runs) all.merge(run.latency);
  return all;
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
          {"load_average_before", load_average()}};
}

nlohmann::json to_json(const std::vector<Measurement>& measurements) {
  nlohmann::json list = nlohmann::json::array();
  for (const Measurement& measurement : measurements) {
    const Histogram latency = measurement.latency();
    const auto us = [&](double quantile) { return static_cast<double>(latency.at(quantile).count()) / 1e3; };
    nlohmann::json rates = nlohmann::json::array();
    for (const RunResult& run : measurement.runs) rates.push_back(run.per_second());
    list.push_back({{"name", measurement.name},
                    {"connections", measurement.connections},
                    {"per_second_median", measurement.median()},
                    {"per_second_of_each_run", rates},
                    {"p50_us", us(0.5)},
                    {"p90_us", us(0.9)},
                    {"p99_us", us(0.99)},
                    {"p999_us", us(0.999)},
                    {"max_us", us(1)},
                    {"errors", measurement.errors()},
                    {"compared", measurement.compared}});
  }
  return list;
}

std::string to_markdown(const nlohmann::json& conditions, const std::vector<Measurement>& measurements) {
  std::string text =
      "| measured | connections | per second (median) | slowest–fastest run | p50 | p99 | errors | compared "
      "|\n"
      "|---|---:|---:|---:|---:|---:|---:|---|\n";
  for (const Measurement& measurement : measurements) text += row_text(measurement);
  return text + "\n" + conditions_to_markdown(conditions);
}

std::string conditions_to_markdown(const nlohmann::json& conditions) {
  return fmt::format(
      "Conditions: {}, commit {}, {} with {} cores shared by server and client, {}, {}, {}, load average "
      "before {:.2f}.\n",
      conditions.at("date").get<std::string>(), conditions.at("commit").get<std::string>(),
      conditions.at("cpu").get<std::string>(), conditions.at("cores").get<unsigned>(),
      conditions.at("kernel").get<std::string>(), conditions.at("compiler").get<std::string>(),
      conditions.at("file_system").get<std::string>(), conditions.at("load_average_before").get<double>());
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
