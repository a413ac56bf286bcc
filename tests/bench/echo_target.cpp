#include "tests/bench/echo_target.hpp"

#include <boost/version.hpp>

#include "tests/bench/child_process.hpp"
#include "tests/bench/http.hpp"
#include "tests/bench/targets.hpp"
#include "tests/bench/workloads.hpp"

namespace quorate::bench {
namespace fs = std::filesystem;

namespace {

class EchoTarget : public Target {
 public:
  EchoTarget(const fs::path& program, const fs::path& folder)
      : port_(free_port()), process_({program, std::to_string(port_)}, folder / "output.txt") {
    wait_until("the echo server answers",
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

}  // namespace

std::unique_ptr<Target> start_echo(const fs::path& folder) {
  return std::make_unique<EchoTarget>(fs::read_symlink("/proc/self/exe").parent_path() / "quorate-echo",
                                      folder);
}

}  // namespace quorate::bench
