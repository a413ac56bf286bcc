// Quorate itself, as real processes on an empty folder.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "tests/bench/child_process.hpp"
#include "tests/bench/target.hpp"
#include "tests/bench/workloads.hpp"

namespace quorate::bench {

enum class Topology {
  embedded,         // three nodes in one process
  three_processes,  // one node each
  two_and_witness   // two data nodes, and `quorate witness`
};

struct QuorateOptions {
  Topology topology = Topology::embedded;
  std::filesystem::path binary;
  std::vector<std::string> flags;    // further ones, of every data node
  std::vector<std::string> wrapper;  // a program that runs each server, such as valgrind with its options
  std::chrono::seconds start_limit = kWaitLimit;
};

class QuorateTarget : public Target {
 public:
  // Blocks until the first node leads and the table has its rows. Throws with the servers' output when that fails.
  QuorateTarget(QuorateOptions options, const std::filesystem::path& folder);

  std::string name() const override;
  std::string version() const override { return version_; }
  std::string durability() const override;
  std::vector<pid_t> nodes() const override { return processes_.pids(); }
  std::uint16_t port() const override { return ports_.front(); }
  std::unique_ptr<Workload> inserts(std::size_t connections, std::size_t row_bytes) override;
  std::unique_ptr<Workload> reads(std::size_t connections, ReadKind kind) override;
  std::vector<ExtraLoad> extras(std::size_t connections) override;
  bool stop() override;

  // Of each node; the first is the leader's. Several nodes of one process have one port.
  const std::vector<std::uint16_t>& ports() const { return ports_; }
  ChildProcess& process(std::size_t number) { return processes_.at(number); }

 private:
  void start_embedded(const std::filesystem::path& folder);
  void start_cluster(const std::filesystem::path& folder, std::size_t data_nodes);
  void start_witness(const std::filesystem::path& folder, const std::vector<std::string>& peers);
  void start(std::vector<std::string> command, const std::filesystem::path& output);
  void wait_for(const std::string& what, const std::function<bool()>& condition);

  QuorateOptions options_;
  std::string version_;
  IdSource ids_;
  std::vector<std::uint16_t> ports_;
  ChildProcesses processes_;
};

}  // namespace quorate::bench
