#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>

#include "config/loader.hpp"
#include "config/setting.hpp"
#include "config/setting_values.hpp"

namespace quorate {
namespace {

using Flags = std::map<std::string, std::vector<std::string>>;

std::expected<ServeConfig, ConfigErrors> load(Flags flags,
                                              std::map<std::string, std::string> environment = {},
                                              std::optional<std::string> file = {}) {
  const auto look_up = [environment =
                            std::move(environment)](const std::string& name) -> std::optional<std::string> {
    const auto found = environment.find(name);
    if (found == environment.end()) return std::nullopt;
    return found->second;
  };
  return load_config({.flags = std::move(flags), .environment = look_up, .file = std::move(file)});
}

// A file that is gone at the end of the test.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& content)
      : path_(std::filesystem::temp_directory_path() / ("quorate_config_test_" + std::to_string(getpid()))) {
    std::ofstream(path_) << content;
  }
  ~TemporaryFile() { std::filesystem::remove(path_); }
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

bool mentions(const ConfigErrors& errors, std::string_view words) {
  return std::ranges::any_of(errors, [&](const std::string& error) { return error.contains(words); });
}

}  // namespace

TEST_CASE("without any setting there are three nodes in the data directory") {
  const auto config = load({});
  REQUIRE(config.has_value());
  CHECK(config->http.address == "127.0.0.1");
  CHECK(config->http.port == 8080);
  const std::vector<NodeConfig>& nodes = config->cluster.nodes;
  REQUIRE(nodes.size() == 3);
  CHECK(nodes[0].id == "n1");
  CHECK(nodes[0].preferred_master);
  CHECK(nodes[0].database == "quorate-data/n1/data.db");
  CHECK(nodes[0].log == "quorate-data/n1/log");
  CHECK(nodes[2].id == "n3");
  CHECK_FALSE(nodes[2].preferred_master);
}

TEST_CASE("with --db there is one node for each database") {
  const auto config = load({{"db", {"a.db"}}, {"backup", {"b.db", "c.db"}}});
  REQUIRE(config.has_value());
  REQUIRE(config->cluster.nodes.size() == 3);
  CHECK(config->cluster.nodes[1].database == "b.db");
  CHECK(config->cluster.nodes[1].log == "b.db-log");
  CHECK(load({{"db", {"a.db"}}})->cluster.nodes.size() == 1);
}

TEST_CASE("flags win over the environment, and it over the file") {
  const TemporaryFile file(
      "io-threads = 3\nreader-threads = 4\nmode = \"dual_write\"\nbackup = [\"x\", \"y\"]\n");
  const auto config = load({{"io-threads", {"5"}}, {"db", {"z"}}},
                           {{"QUORATE_IO_THREADS", "6"}, {"QUORATE_READER_THREADS", "7"}}, file.path());
  REQUIRE(config.has_value());
  CHECK(config->http.io_threads == 5);
  CHECK(config->cluster.reader_threads == 7);
  CHECK(config->cluster.mode == ConsistencyMode::dual_write);
  CHECK(config->cluster.nodes.size() == 3);
}

TEST_CASE("a list in the environment is separated by commas") {
  const auto config = load({{"db", {"a"}}}, {{"QUORATE_BACKUP", "b,c,d"}});
  REQUIRE(config.has_value());
  CHECK(config->cluster.nodes.size() == 4);
}

TEST_CASE("all mistakes are reported together, each with its place") {
  const TemporaryFile file("nothing = 1\nmode = \"none\"\n");
  const auto config = load({{"listen", {"x"}}, {"db", {"a", "b"}}, {"max-body-bytes", {"0"}}},
                           {{"QUORATE_IDLE_TIMEOUT_MS", "soon"}}, file.path());
  REQUIRE_FALSE(config.has_value());
  CHECK(config.error().size() == 6);
  CHECK(mentions(config.error(), "--listen must be HOST:PORT"));
  CHECK(mentions(config.error(), "--db must be given exactly one value"));
  CHECK(mentions(config.error(), "--max-body-bytes must be a number of bytes"));
  CHECK(mentions(config.error(), "QUORATE_IDLE_TIMEOUT_MS must be a number of milliseconds"));
  CHECK(mentions(config.error(), file.path() + ": there is no setting named \"nothing\""));
  CHECK(mentions(config.error(), file.path() + ": mode must be quorum or dual_write, not \"none\""));
}

TEST_CASE("settings that do not fit together are refused") {
  CHECK(mentions(load({{"backup", {"b"}}}).error(), "--backup needs --db"));
  CHECK(mentions(load({{"db", {"a"}}, {"backup", {"a"}}}).error(), "share the file a"));
  CHECK(mentions(load({{"db", {"a"}}, {"backup", {"a-log"}}}).error(), "share the file a-log"));
  CHECK(mentions(load({{"max-timeout-ms", {"5"}}}).error(), "--default-timeout-ms"));
  CHECK(mentions(load({{"election-timeout-ms", {"100"}}}).error(), "three times"));
  CHECK(mentions(load({}, {}, "/no/such/file.toml").error(), "/no/such/file.toml"));
}

TEST_CASE("every setting is documented, and takes its own default") {
  std::set<std::string> names;
  for (const Setting& setting : serve_settings()) {
    CAPTURE(setting.name);
    CHECK(names.insert(setting.name).second);
    CHECK(setting.documentation.ends_with('.'));
    CHECK_FALSE(setting.group.empty());
    if (setting.default_text.empty()) continue;
    ServeConfig config;
    CHECK(setting.apply(config, setting.default_text).has_value());
  }
  CHECK(environment_name("io-threads") == "QUORATE_IO_THREADS");
}

TEST_CASE("sizes have units") {
  CHECK(parse_bytes("17") == 17);
  CHECK(parse_bytes("64KiB") == 65'536);
  CHECK(parse_bytes("16 MiB") == 16UL * 1024 * 1024);
  CHECK(parse_bytes("2GiB") == 2UL * 1024 * 1024 * 1024);
  for (const char* const text :
       {"", "0", "-1", "1MB", "KiB", "1.5MiB", "99999999999999999999", "9223372036854775807GiB"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_bytes(text).has_value());
  }
  CHECK(bytes_text(16UL * 1024 * 1024) == "16MiB");
  CHECK(bytes_text(1000) == "1000");
}

TEST_CASE("listen addresses") {
  CHECK(parse_listen_address("[::1]:80")->host == "::1");
  CHECK(parse_listen_address(":8080")->host == "0.0.0.0");
  CHECK(parse_listen_address("localhost:0")->port == 0);
  for (const char* const text : {"", "8080", "x:", "x:65536", "x:-1", "::1:80", "x:80:90", "x:8o"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_listen_address(text).has_value());
  }
}

TEST_CASE("a witness has a log and nothing else, and takes only what concerns it") {
  const auto load_witness = [](std::map<std::string, std::vector<std::string>> flags) {
    return load_config({.witness = true,
                        .flags = std::move(flags),
                        .environment = [](const std::string&) { return std::optional<std::string>(); },
                        .file = {}});
  };
  const auto config = load_witness({{"peer-listen", {"127.0.0.1:7001"}}, {"join", {"127.0.0.1:7002"}}});
  REQUIRE(config.has_value());
  REQUIRE(config->cluster.nodes.size() == 1);
  const NodeConfig& node = config->cluster.nodes.front();
  CHECK(node.id == "witness");
  CHECK(node.witness);
  CHECK(node.database.empty());
  CHECK(node.log == "quorate-data/witness/log");
  const auto lost = load_witness({});
  REQUIRE_FALSE(lost.has_value());
  CHECK(mentions(lost.error(), "A witness needs --peer-listen."));
  CHECK(mentions(lost.error(), "A witness needs --cluster or --join"));
  const auto takes = [](std::string_view name) {
    return std::ranges::find(witness_settings(), name, &Setting::name) != witness_settings().end();
  };
  CHECK(takes("listen"));
  CHECK_FALSE(takes("db"));
  CHECK_FALSE(takes("mode"));
  CHECK_FALSE(takes("max-statements"));
}

TEST_CASE("--witness-lock adds a witness that runs where its lock is held") {
  const auto config = load({{"node-id", {"n1"}},
                            {"peer-listen", {"127.0.0.1:7001"}},
                            {"cluster", {"n1=127.0.0.1:7001,n2=127.0.0.1:7002"}},
                            {"witness-lock", {"/shared/w"}}});
  REQUIRE(config.has_value());
  REQUIRE(config->cluster.nodes.size() == 2);
  CHECK(config->cluster.nodes.back().witness);
  CHECK(config->cluster.nodes.back().shared);
  CHECK(config->cluster.nodes.back().log == "/shared/w/log");
  const auto embedded = load({{"witness-lock", {"/shared/w"}}});
  REQUIRE_FALSE(embedded.has_value());
  CHECK(mentions(embedded.error(), "--witness-lock needs --node-id"));
}

}  // namespace quorate
