#include "tests/bench/quorate_target.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "tests/bench/goals.hpp"
#include "tests/bench/http.hpp"

namespace quorate::bench {
namespace fs = std::filesystem;

namespace {

constexpr const char* kWitness = "w1";

// Asked the leader, since only it knows how far the others are.
bool all_nodes_follow(std::uint16_t port, std::size_t nodes) {
  const nlohmann::json cluster = call_json(port, "GET", "/v1/cluster");
  const nlohmann::json& list = cluster.at("nodes");
  return cluster.at("leader") == "n1" && list.size() == nodes &&
         std::ranges::all_of(list, [](const auto& node) {
           return node.at("state") == "running" && node.at("match_index") > 0;
         });
}

}  // namespace

QuorateTarget::QuorateTarget(QuorateOptions options, const fs::path& folder) : options_(std::move(options)) {
  version_ = run_to_end({options_.binary, "--version"}, folder / "version.txt");
  switch (options_.topology) {
    case Topology::embedded: start_embedded(folder); break;
    case Topology::three_processes: start_cluster(folder, 3); break;
    case Topology::two_and_witness: start_cluster(folder, 2); break;
  }
  prepare_table(port());
}

void QuorateTarget::start_embedded(const fs::path& folder) {
  ports_ = {free_port()};
  start({"serve", "--listen", loopback(port()), "--db", folder / "master.db", "--backup",
         folder / "backup1.db", "--backup", folder / "backup2.db"},
        folder / "output.txt");
  wait_for("three nodes serve", [&] { return all_nodes_follow(port(), 3); });
}

void QuorateTarget::start_cluster(const fs::path& folder, std::size_t data_nodes) {
  std::vector<std::string> peers;
  std::string members;
  for (std::size_t number = 0; number < data_nodes; ++number) {
    ports_.push_back(free_port());
    peers.push_back(loopback(free_port()));
    members += fmt::format("{}{}={}", number == 0 ? "" : ",", node_id(number), peers.back());
  }
  for (std::size_t number = 0; number < data_nodes; ++number) {
    const std::string id = node_id(number);
    fs::create_directory(folder / id);
    start({"serve", "--node-id", id, "--listen", loopback(ports_[number]), "--peer-listen", peers[number],
           "--db", folder / id / "data.db", "--cluster", members},
          folder / (id + ".txt"));
  }
  wait_for("all nodes follow n1", [&] { return all_nodes_follow(port(), data_nodes); });
  if (options_.topology != Topology::two_and_witness) return;
  start_witness(folder, peers);
  wait_for("the witness votes", [&] { return all_nodes_follow(port(), data_nodes + 1); });
}

void QuorateTarget::start_witness(const fs::path& folder, const std::vector<std::string>& peers) {
  std::vector<std::string> command{
      "witness",       "--node-id",           kWitness,     "--listen",       loopback(free_port()),
      "--peer-listen", loopback(free_port()), "--data-dir", folder / kWitness};
  for (const std::string& peer : peers) command.insert(command.end(), {"--join", peer});
  start(std::move(command), folder / "witness.txt");
}

void QuorateTarget::start(std::vector<std::string> command, const fs::path& output) {
  const bool is_witness = command.front() == "witness";
  command.insert(command.begin(), options_.binary);
  command.insert(command.begin(), options_.wrapper.begin(), options_.wrapper.end());
  if (!is_witness) command.insert(command.end(), options_.flags.begin(), options_.flags.end());
  processes_.start(command, output);
}

void QuorateTarget::wait_for(const std::string& what, const std::function<bool()>& condition) {
  processes_.wait_for(what, condition, options_.start_limit);
}

std::string QuorateTarget::name() const {
  switch (options_.topology) {
    case Topology::embedded: return "Quorate, embedded";
    case Topology::three_processes: return "Quorate, three processes";
    case Topology::two_and_witness: return "Quorate, two and a witness";
  }
  return {};
}

std::string QuorateTarget::durability() const {
  return "quorum: on disk (fdatasync of the log) on a majority, and applied by the leader";
}

std::unique_ptr<Workload> QuorateTarget::inserts(std::size_t connections, std::size_t row_bytes) {
  return std::make_unique<InsertWorkload>(connections, ids_, "quorum", row_bytes);
}

std::unique_ptr<Workload> QuorateTarget::reads(std::size_t connections, ReadKind kind) {
  return std::make_unique<PointQueryWorkload>(connections,
                                              kind == ReadKind::local ? "local" : "linearizable");
}

std::vector<ExtraLoad> QuorateTarget::extras(std::size_t connections) {
  std::vector<ExtraLoad> extras;
  extras.push_back({kBulkInserts, 1, std::make_unique<BulkInsertWorkload>(1, ids_)});
  if (options_.topology != Topology::embedded) return extras;
  for (const std::size_t number : {std::size_t{1}, connections}) {
    extras.push_back(
        {"INSERT one row, dual_write", number, std::make_unique<InsertWorkload>(number, ids_, "dual_write")});
  }
  extras.push_back({"UPDATE with version check", connections, std::make_unique<UpdateWorkload>(connections)});
  extras.push_back(
      {"SELECT by id, leader", connections, std::make_unique<PointQueryWorkload>(connections, "leader")});
  return extras;
}

bool QuorateTarget::stop() {
  bool good = true;
  for (std::size_t number = 0; number < processes_.count(); ++number) {
    good = processes_.at(number).stop() && good;
  }
  return good;
}

}  // namespace quorate::bench
