#include "tests/bench/peers/peer_nodes.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "tests/bench/http.hpp"

namespace quorate::bench {

std::string loopback(std::uint16_t port) {
  return "127.0.0.1:" + std::to_string(port);
}

std::vector<std::uint16_t> free_ports() {
  std::vector<std::uint16_t> ports;
  while (ports.size() < kPeerNodes) {
    const std::uint16_t port = free_port();
    if (std::ranges::find(ports, port) == ports.end()) ports.push_back(port);
  }
  return ports;
}

void PeerNodes::start(const std::vector<std::string>& command, const std::filesystem::path& output) {
  processes_.push_back(std::make_unique<ChildProcess>(command, output));
}

void PeerNodes::wait_for(const std::string& what, const std::function<bool()>& condition) {
  std::vector<ChildProcess*> children;
  for (const auto& process : processes_) children.push_back(process.get());
  wait_until(what, condition, children);
}

std::vector<pid_t> PeerNodes::pids(std::size_t leader) const {
  std::vector<pid_t> pids;
  for (const auto& process : processes_) pids.push_back(process->pid());
  std::swap(pids.front(), pids.at(leader));
  return pids;
}

nlohmann::json call_json(std::uint16_t port, std::string_view method, std::string_view path,
                         std::string_view body) {
  const OwnedResponse response = call(port, PreparedRequest(method, path, body));
  if (response.status != 200) {
    throw std::runtime_error(std::string(path) + " answers " + std::to_string(response.status) + ": " +
                             response.body);
  }
  return nlohmann::json::parse(response.body);
}

}  // namespace quorate::bench
