#include "tests/bench/curves.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>

#include "tests/bench/report.hpp"

namespace quorate::bench {
namespace {

// Finds the object whose `key` is `value`, or adds it.
nlohmann::json& entry(nlohmann::json& list, const char* key, const std::string& value,
                      const nlohmann::json& fresh) {
  const auto found =
      std::ranges::find_if(list, [&](const nlohmann::json& one) { return one.at(key) == value; });
  if (found != list.end()) return *found;
  list.push_back(fresh);
  return list.back();
}

std::string latency_text(const nlohmann::json& point, const char* quantile) {
  return time_text(
      std::chrono::nanoseconds(static_cast<std::int64_t>(point.at(quantile).get<double>() * 1e3)));
}

}  // namespace

nlohmann::json& Curves::series(const std::string& name, const std::string& x_label,
                               const std::string& target) {
  nlohmann::json& curve = entry(curves_, "name", name, {{"name", name}, {"x", x_label}, {"series", {}}});
  nlohmann::json& all = curve["series"];
  if (all.is_null()) all = nlohmann::json::array();
  return entry(all, "target", target, {{"target", target}, {"points", nlohmann::json::array()}})["points"];
}

void Curves::add(const std::string& name, const std::string& x_label, const std::string& target, double x,
                 const RunResult& run, const nlohmann::json& more) {
  nlohmann::json point = to_json(run);
  point["x"] = x;
  point.update(more);
  series(name, x_label, target).push_back(std::move(point));
  has_errors_ = has_errors_ || run.errors > 0;
  fmt::print(stderr, "{}: {}, {:g} {}: {:.0f}/s\n", target, name, x, x_label, run.per_second());
  if (run.errors > 0) fmt::print(stderr, "  {} errors, the first: {}\n", run.errors, run.first_error);
}

std::string Curves::markdown() const {
  std::string text;
  for (const nlohmann::json& curve : curves_) {
    text += fmt::format(
        "{}\n\n| target | {} | per second | p50 | p99 | p99.9 | unsent | memory (MiB) |\n"
        "|---|---:|---:|---:|---:|---:|---:|---:|\n",
        curve.at("name").get<std::string>(), curve.at("x").get<std::string>());
    for (const nlohmann::json& one : curve.at("series")) {
      for (const nlohmann::json& point : one.at("points")) {
        text += fmt::format("| {} | {:g} | {:.0f} | {} | {} | {} | {} | {:.0f} |\n",
                            one.at("target").get<std::string>(), point.at("x").get<double>(),
                            point.at("per_second").get<double>(), latency_text(point, "p50_us"),
                            latency_text(point, "p99_us"), latency_text(point, "p999_us"),
                            point.at("unsent").get<std::uint64_t>(), point.value("resident_kib", 0.0) / 1024);
      }
    }
    text += '\n';
  }
  return text;
}

bool measure_curves(const BenchOptions& options) {
  std::filesystem::create_directories(options.folder);
  const nlohmann::json conditions = describe_conditions(options.folder, options.commit);
  Curves curves;
  add_load_curves(options, curves);
  add_size_curves(options, curves);
  const bool is_good = !curves.has_errors();
  add_failover_curve(options, curves);
  fmt::print("{}{}\n", curves.markdown(), conditions_to_markdown(conditions));
  const nlohmann::json report{{"conditions", conditions}, {"curves", curves.json()}};
  fmt::print("Written to {}\n", write_json(options.folder, "curves", report).string());
  return is_good;
}

}  // namespace quorate::bench
