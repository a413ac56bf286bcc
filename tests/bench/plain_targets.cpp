#include "tests/bench/plain_targets.hpp"

#include <boost/version.hpp>

#include "tests/bench/child_process.hpp"
#include "tests/bench/http.hpp"
#include "tests/bench/targets.hpp"
#include "tests/bench/workloads.hpp"

namespace quorate::bench {
namespace fs = std::filesystem;

namespace {

std::vector<std::string> command(const std::string& program, std::uint16_t port,
                                 std::vector<std::string> arguments) {
  std::vector<std::string> words{fs::read_symlink("/proc/self/exe").parent_path() / program,
                                 std::to_string(port)};
  words.insert(words.end(), arguments.begin(), arguments.end());
  return words;
}

class EchoTarget : public Target {
 public:
  explicit EchoTarget(const fs::path& folder, const std::string& program = "quorate-echo",
                      const std::vector<std::string>& arguments = {})
      : port_(free_port()), process_(command(program, port_, arguments), folder / "output.txt") {
    wait_until(program + " answers",
               [this] { return call(port_, PreparedRequest("GET", "/", "")).status == 200; }, {&process_});
  }

  std::string name() const override { return kEcho; }
  std::string version() const override { return "Boost.Beast " BOOST_LIB_VERSION; }
  std::string durability() const override { return "none: nothing is kept"; }
  std::vector<pid_t> nodes() const override { return {process_.pid()}; }
  std::uint16_t port() const override { return port_; }

  std::unique_ptr<Workload> inserts(std::size_t connections, std::size_t row_bytes) override {
    return std::make_unique<InsertWorkload>(connections, ids_, "quorum", row_bytes);
  }
  std::unique_ptr<Workload> reads(std::size_t connections, ReadKind kind) override {
    return std::make_unique<PointQueryWorkload>(connections,
                                                kind == ReadKind::local ? "local" : "linearizable");
  }

 private:
  IdSource ids_;
  std::uint16_t port_;
  ChildProcess process_;
};

class CopiesTarget : public EchoTarget {
 public:
  explicit CopiesTarget(const fs::path& folder) : EchoTarget(folder, "quorate-copies", {folder}) {}

  std::string name() const override { return kCopies; }
  std::string durability() const override { return "two of three databases flushed"; }
  std::unique_ptr<Workload> reads(std::size_t, ReadKind) override { return nullptr; }
};

}  // namespace

std::unique_ptr<Target> start_echo(const fs::path& folder) {
  return std::make_unique<EchoTarget>(folder);
}

std::unique_ptr<Target> start_copies(const fs::path& folder) {
  return std::make_unique<CopiesTarget>(folder);
}

}  // namespace quorate::bench
