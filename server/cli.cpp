#include "server/cli.hpp"

#include <spdlog/spdlog.h>
#include <CLI/CLI.hpp>

#include <cstdlib>
#include <iostream>
#include <sstream>

#include "config/loader.hpp"
#include "config/setting.hpp"
#include "server/demo.hpp"
#include "server/serve.hpp"

namespace quorate {

namespace {

constexpr int kConfigurationMistake = 2;

constexpr std::string_view kServeFooter =
    "Every option can also be given as an environment variable (--io-threads as QUORATE_IO_THREADS) and as a "
    "line of\n"
    "the file named by --config (io-threads = 4). Options win over the environment, the environment over the "
    "file.\n"
    "\n"
    "Examples:\n"
    "  quorate serve\n"
    "  quorate serve --db /disk1/shop.db --backup /disk2/shop.db --backup /disk3/shop.db --mode dual_write\n"
    "  quorate serve --node-id n1 --peer-listen 10.0.0.1:7001 --cluster "
    "n1=10.0.0.1:7001,n2=10.0.0.2:7001,n3=10.0.0.3:7001\n";

std::optional<std::string> environment_variable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr) return std::nullopt;
  return value;
}

// CLI11's own help marks every option that may be repeated with "...", and does not break lines.
class HelpFormatter : public CLI::Formatter {
 public:
  HelpFormatter() { column_width(kNameColumns); }

  std::string make_option_opts(const CLI::Option* option) const override {
    return option->get_type_name().empty() ? "" : " " + option->get_type_name();
  }

  std::string make_option_desc(const CLI::Option* option) const override {
    std::istringstream words(option->get_description());
    std::string text;
    std::size_t column = 0;
    for (std::string word; words >> word;) {
      if (column + word.size() > kTextColumns) {
        text += '\n';
        column = 0;
      } else if (column != 0) {
        text += ' ';
      }
      text += word;
      column += word.size() + 1;
    }
    if (!option->get_default_str().empty()) text += "\nDefault: " + option->get_default_str();
    return text;
  }

 private:
  static constexpr std::size_t kNameColumns = 36;
  static constexpr std::size_t kTextColumns = 72;
};

constexpr std::string_view kWitnessFooter =
    "Examples:\n"
    "  quorate witness --peer-listen 10.0.0.3:7001 --join 10.0.0.1:7001 --join 10.0.0.2:7001\n";

struct ServeFlags {
  bool witness = false;
  std::map<std::string, std::vector<std::string>> values;
  std::string config_file;
};

void add_settings(CLI::App& command, const std::vector<Setting>& settings, ServeFlags& flags) {
  command.add_option("--config", flags.config_file, "Read settings from this file.")
      ->type_name("FILE")
      ->group("Server and nodes");
  for (const Setting& setting : settings) {
    CLI::Option& option =
        *command.add_option("--" + setting.name, flags.values[setting.name], setting.documentation);
    option.type_name(setting.value_name)->group(setting.group)->allow_extra_args(false);
    if (!setting.default_text.empty()) option.default_str(setting.default_text);
  }
}

CLI::App& add_serve(CLI::App& app, ServeFlags& flags) {
  CLI::App& serve = *app.add_subcommand(
      "serve", "Serve SQL over HTTP, as a whole cluster in this process or as one node of a cluster");
  add_settings(serve, serve_settings(), flags);
  serve.footer(std::string(kServeFooter));
  return serve;
}

CLI::App& add_witness(CLI::App& app, ServeFlags& flags) {
  flags.witness = true;
  CLI::App& witness = *app.add_subcommand(
      "witness",
      "Vote in a cluster without keeping its content, so that two data nodes survive the loss of one");
  add_settings(witness, witness_settings(), flags);
  witness.footer(std::string(kWitnessFooter));
  return witness;
}

int serve_command(ServeFlags flags) {
  std::erase_if(flags.values, [](const auto& entry) { return entry.second.empty(); });
  ConfigSources sources{.witness = flags.witness,
                        .flags = std::move(flags.values),
                        .environment = environment_variable,
                        .file = {}};
  sources.file = flags.config_file.empty() ? environment_variable("QUORATE_CONFIG") : flags.config_file;
  const std::expected<ServeConfig, ConfigErrors> config = load_config(sources);
  if (!config) {
    for (const std::string& error : config.error()) std::cerr << "quorate: " << error << "\n";
    return kConfigurationMistake;
  }
  return run_serve(*config);
}

}  // namespace

int run_command_line(int argc, char** argv) {
  CLI::App app(
      "Quorate writes one SQL transaction to several database nodes, all or nothing, and keeps serving when "
      "nodes die.",
      "quorate");
  app.set_version_flag("--version", "quorate " QUORATE_VERSION);
  app.require_subcommand(1);
  app.formatter(std::make_shared<HelpFormatter>());
  ServeFlags serve_flags;
  ServeFlags witness_flags;
  const CLI::App& serve = add_serve(app, serve_flags);
  const CLI::App& witness = add_witness(app, witness_flags);
  const CLI::App& demo = *app.add_subcommand(
      "demo", "Show what Quorate promises, step by step, on three SQLite files in a temporary folder");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? EXIT_SUCCESS : kConfigurationMistake;
  }
  if (demo.parsed()) {
    spdlog::set_level(spdlog::level::off);  // the tour tells what happens itself
    return run_demo(std::cout);
  }
  if (serve.parsed()) return serve_command(std::move(serve_flags));
  if (witness.parsed()) return serve_command(std::move(witness_flags));
  return EXIT_SUCCESS;
}

}  // namespace quorate
