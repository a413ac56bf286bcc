#include <fmt/format.h>
#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <vector>

#include "tests/bench/benchmarks.hpp"
#include "tests/bench/process_usage.hpp"
#include "tests/bench/quorate_target.hpp"
#include "tests/bench/report.hpp"
#include "tests/bench/scratch_folder.hpp"
#include "tests/bench/workloads.hpp"

namespace quorate::bench {
namespace {

constexpr std::size_t kShownSamples = 20;

struct Sample {
  std::uint64_t transactions = 0;
  std::uint64_t resident_kib = 0;
  std::uint64_t disk_kib = 0;
};

// Of all files in the folder.
std::uint64_t disk_bytes(const std::filesystem::path& folder) {
  std::uint64_t bytes = 0;
  std::error_code gone;  // a journal may go away while we look
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder, gone)) {
    const std::uint64_t size = entry.is_regular_file(gone) ? entry.file_size(gone) : 0;
    if (!gone) bytes += size;
  }
  return bytes;
}

// The samples closest to each twentieth of the way.
std::vector<Sample> thinned(const std::vector<Sample>& samples) {
  if (samples.size() <= kShownSamples) return samples;
  std::vector<Sample> shown;
  for (std::size_t number = 1; number <= kShownSamples; ++number) {
    shown.push_back(samples[number * samples.size() / kShownSamples - 1]);
  }
  return shown;
}

// Memory late in the run against memory before: in a million transactions, the caches fill up in the first half.
std::string growth_text(const std::vector<Sample>& samples) {
  if (samples.size() < 10) return "Too short to tell whether memory stays flat.";
  const auto split = samples.begin() + static_cast<std::ptrdiff_t>(samples.size() * 6 / 10);
  const auto highest_mib = [](auto begin, auto end) {
    return static_cast<double>(
               std::ranges::max_element(begin, end, {}, &Sample::resident_kib)->resident_kib) /
           1024;
  };
  const double early = highest_mib(samples.begin(), split);
  const double late = highest_mib(split, samples.end());
  return fmt::format(
      "Highest memory: {:.1f} MiB in the first 60 % of the run, {:.1f} MiB in the rest ({:+.1f} %).", early,
      late, early > 0 ? (late / early - 1) * 100 : 0);
}

nlohmann::json to_json(const std::vector<Sample>& samples) {
  nlohmann::json list = nlohmann::json::array();
  for (const Sample& sample : samples) {
    list.push_back({{"transactions", sample.transactions},
                    {"resident_kib", sample.resident_kib},
                    {"disk_kib", sample.disk_kib}});
  }
  return list;
}

void print_samples(const std::vector<Sample>& samples) {
  fmt::print("| transactions | server's memory (MiB) | on disk, three nodes (MiB) |\n|---:|---:|---:|\n");
  for (const Sample& sample : thinned(samples)) {
    fmt::print("| {} | {:.1f} | {:.1f} |\n", sample.transactions,
               static_cast<double>(sample.resident_kib) / 1024, static_cast<double>(sample.disk_kib) / 1024);
  }
}

}  // namespace

bool soak(const BenchOptions& options) {
  const ScratchFolder folder(options.folder);
  const nlohmann::json conditions = describe_conditions(folder.path(), options.commit);
  QuorateTarget server({.topology = Topology::embedded, .binary = options.server}, folder.path());
  UpdateWorkload workload(options.connections);
  std::vector<Sample> samples;
  LoadOptions load;
  load.port = server.port();
  load.connections = options.connections;
  load.duration = options.soak_limit;
  load.operations = options.soak_transactions;
  load.every_second = [&](const RunResult& so_far, std::chrono::nanoseconds) {
    samples.push_back(
        {so_far.operations, usage_of(server.nodes()).resident_kib, disk_bytes(folder.path()) / 1024});
    if (samples.size() % 30 == 0) fmt::print(stderr, "{} transactions\n", so_far.operations);
  };

  std::vector<Measurement> measurements(1);
  measurements[0].name = "UPDATE with version check";
  measurements[0].target = server.name();
  measurements[0].connections = options.connections;
  const RunResult& result = measurements[0].runs.emplace_back(run_load(load, workload));
  samples.push_back(
      {result.operations, usage_of(server.nodes()).resident_kib, disk_bytes(folder.path()) / 1024});
  if (result.errors > 0) fmt::print(stderr, "{} errors, the first: {}\n", result.errors, result.first_error);
  const bool stopped = server.stop();
  if (!stopped) fmt::print(stderr, "the server did not stop cleanly\n");

  print_samples(samples);
  fmt::print("\n{} transactions. {}\n\n", result.operations, growth_text(samples));
  fmt::print("{}\n{}\n", to_markdown(measurements), conditions_to_markdown(conditions));
  const nlohmann::json report{
      {"conditions", conditions}, {"measurements", to_json(measurements)}, {"samples", to_json(samples)}};
  fmt::print("Written to {}\n", write_json(options.folder, "soak", report).string());
  return stopped && result.errors == 0;
}

}  // namespace quorate::bench
