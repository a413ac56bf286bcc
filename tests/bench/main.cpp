#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/bench/benchmarks.hpp"

namespace {

int run(int argc, char** argv) {
  quorate::bench::BenchOptions options;
  long run_time_ms = options.run_time.count();
  long warm_up_ms = options.warm_up.count();
  bool want_curves = false;
  std::vector<std::string> settings;
  long soak_minutes = options.soak_limit.count();

  CLI::App app(
      "Measures Quorate on this machine beside its peers, and beside what disk, SQLite and loopback can do.");
  CLI::Option* const server =
      app.add_option("--server", options.server, "The quorate binary")->check(CLI::ExistingFile);
  app.add_option("--folder", options.folder, "Where reports and databases go")->capture_default_str();
  app.add_option("--commit", options.commit, "Named in the report");
  app.add_option("--only", options.only, "Of the table, the targets whose names contain this");
  app.add_option("--connections", options.connections, "Of the measurements with many")
      ->check(CLI::Range(2, 1'024))
      ->capture_default_str();
  CLI::Option* const rounds =
      app.add_option("--rounds", options.rounds)->check(CLI::Range(1, 100))->capture_default_str();
  CLI::Option* const run_ms = app.add_option("--run-ms", run_time_ms, "Of each measurement in each round")
                                  ->check(CLI::Range(10, 600'000))
                                  ->capture_default_str();
  app.add_option("--warm-up-ms", warm_up_ms)->check(CLI::Range(0, 600'000))->capture_default_str();
  app.add_flag("--curves", want_curves, "How speed depends on load and sizes instead");
  app.add_option("--max-gib", options.max_gib, "The largest database of the curves")->capture_default_str();
  CLI::Option* const cpu = app.add_option("--cpu", options.cpu_transactions,
                                          "Count the instructions of so many transactions instead")
                               ->expected(0, 1)
                               ->default_str("20000");
  CLI::Option* const earlier =
      app.add_option("--compare", options.earlier,
                     "Compare with this earlier binary instead, in 20 rounds of 1000 ms")
          ->check(CLI::ExistingFile);
  app.add_option("--with", settings,
                 "A setting of this program that the earlier one has not, as io-threads=1")
      ->needs(earlier);
  CLI::Option* const soak = app.add_option("--soak", options.soak_transactions,
                                           "Write so many transactions and watch memory instead")
                                ->expected(0, 1)
                                ->default_str("1000000");
  app.add_option("--soak-minutes", soak_minutes, "The longest a soak takes")->check(CLI::Range(1, 24 * 60));
  CLI::Option* const load = app.add_option("--load", options.load_port,
                                           "Insert rows through the server that runs at this port instead");
  app.add_option("--transactions", options.load_transactions, "How many")->capture_default_str();
  server->excludes(load);
  app.add_flag("--quick", options.quick,
               "A fraction of a second each: shows that it works, measures nothing");
  CLI11_PARSE(app, argc, argv);

  if (load->count() > 0) return quorate::bench::load_running_server(options) ? 0 : 1;
  if (server->count() == 0) throw std::runtime_error("name the binary with --server, or a port with --load");

  if (earlier->count() > 0 && rounds->count() == 0) options.rounds = 20;
  if (earlier->count() > 0 && run_ms->count() == 0) run_time_ms = 1'000;
  for (const std::string& setting : settings) options.flags.push_back("--" + setting);
  options.run_time = std::chrono::milliseconds(options.quick ? 100 : run_time_ms);
  options.warm_up = std::chrono::milliseconds(options.quick ? 0 : warm_up_ms);
  if (options.quick) options.rounds = 1;
  options.soak_limit = std::chrono::minutes(soak_minutes);
  bool (*benchmark)(const quorate::bench::BenchOptions&) = quorate::bench::measure_speed;
  if (want_curves) benchmark = quorate::bench::measure_curves;
  if (cpu->count() > 0) benchmark = quorate::bench::measure_instructions;
  if (earlier->count() > 0) benchmark = quorate::bench::compare;
  if (soak->count() > 0) benchmark = quorate::bench::soak;
  return benchmark(options) ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "quorate-bench: {}\n", error.what());
    return 1;
  }
}
