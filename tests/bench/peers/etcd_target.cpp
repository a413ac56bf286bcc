#include "tests/bench/peers/etcd_target.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/bench/http.hpp"
#include "tests/bench/peers/key_value.hpp"
#include "tests/bench/peers/peer_target.hpp"
#include "tests/bench/workloads.hpp"

namespace quorate::bench {
namespace fs = std::filesystem;

namespace {

constexpr std::size_t kEncodedKeyBytes = kKeyBytes / 3 * 4;
constexpr std::size_t kPlacesOfKey = kEncodedKeyBytes / kNumberDigits;
static_assert(kKeyBytes % 3 == 0, "so the encoded value begins with the encoded key");
static_assert(kEncodedKeyBytes % kNumberDigits == 0);

constexpr std::uint64_t kOperationsAtOnce =
    32;  // the answer to more comes chunked, which HttpConnection does not read
static_assert(kPreparedRows % kOperationsAtOnce == 0);

std::string place_for_key() {
  std::string place;
  for (std::size_t part = 0; part < kPlacesOfKey; ++part) place += kNumber;
  return place;
}

// Writes the encoded key into its place `number`.
void set_key(PreparedRequest& request, std::size_t number, std::string_view key) {
  for (std::size_t part = 0; part < kPlacesOfKey; ++part) {
    request.set(number * kPlacesOfKey + part, key.substr(part * kNumberDigits, kNumberDigits));
  }
}

PreparedRequest put_request(std::size_t row_bytes) {
  const std::string value = base64(value_of(kSmallestNumber, row_bytes)).substr(kEncodedKeyBytes);
  return {"POST", "/v3/kv/put",
          fmt::format(R"({{"key":"{}","value":"{}{}"}})", place_for_key(), place_for_key(), value)};
}

class EtcdPuts : public Workload {
 public:
  EtcdPuts(std::size_t connections, IdSource& ids, std::size_t row_bytes)
      : ids_(ids), requests_(connections, put_request(row_bytes)) {}

  std::string_view next(std::size_t connection) override {
    const std::string key = base64(key_of(ids_.next()));
    set_key(requests_[connection], 0, key);
    set_key(requests_[connection], 1, key);
    return requests_[connection].bytes();
  }
  // A put tells the revision that it made, and nothing else; what fails has another status than 200.
  bool accept(std::size_t /*connection*/, const Response& response) override {
    return response.body.contains(R"("revision":")");
  }

 private:
  IdSource& ids_;
  std::vector<PreparedRequest> requests_;
};

class EtcdReads : public RowReads {
 public:
  EtcdReads(std::size_t connections, ReadKind kind)
      : RowReads(connections, PreparedRequest("POST", "/v3/kv/range",
                                              fmt::format(R"({{"key":"{}","serializable":{}}})",
                                                          place_for_key(), kind == ReadKind::local))) {}

 private:
  std::string expected_of(std::uint64_t id) const override {
    return fmt::format(R"("value":"{}")", base64(value_of(id, kSmallRowBytes)));
  }
  void set_id(PreparedRequest& request, std::uint64_t id) const override {
    set_key(request, 0, base64(key_of(id)));
  }
};

class EtcdTarget : public PeerTarget {
 public:
  EtcdTarget(const fs::path& program, const fs::path& folder) {
    std::string members;
    for (std::size_t number = 0; number < kPeerNodes; ++number) {
      members += fmt::format("{}{}=http://{}", number == 0 ? "" : ",", node_id(number),
                             loopback(peer_ports_[number]));
    }
    for (std::size_t number = 0; number < kPeerNodes; ++number) {
      start_node(program, folder, number, members);
    }
    nodes_.wait_for("three etcd members follow one leader", [this] { return find_leader(); });
    version_ =
        call_json(port(), "GET", "/version").at("etcdserver").get<std::string>() + ", over its JSON gateway";
    for (std::uint64_t row = 0; row < kPreparedRows; row += kOperationsAtOnce) put_rows(row);
  }

  std::string name() const override { return "etcd"; }
  std::string durability() const override {
    return "flushed (Raft log, fdatasync) by a majority, and applied by the leader; keys and values, not SQL";
  }
  std::unique_ptr<Workload> inserts(std::size_t connections, std::size_t row_bytes) override {
    return std::make_unique<EtcdPuts>(connections, ids_, row_bytes);
  }
  std::unique_ptr<Workload> reads(std::size_t connections, ReadKind kind) override {
    return std::make_unique<EtcdReads>(connections, kind);
  }

 private:
  // All as it comes, snapshots too. The manual wants HTTP on a port of its own: beside gRPC on one port it is slow.
  void start_node(const fs::path& program, const fs::path& folder, std::size_t number,
                  const std::string& members) {
    const std::string id = node_id(number);
    const std::string grpc = "http://" + loopback(free_port());
    const std::string peer = "http://" + loopback(peer_ports_[number]);
    nodes_.start(
        {program, "--name", id, "--data-dir", folder / id, "--listen-peer-urls", peer,
         "--initial-advertise-peer-urls", peer, "--listen-client-urls", grpc, "--advertise-client-urls", grpc,
         "--listen-client-http-urls", "http://" + loopback(ports_[number]), "--initial-cluster", members},
        folder / (id + ".txt"));
  }

  bool find_leader() {
    std::string leader;
    for (std::size_t number = 0; number < kPeerNodes; ++number) {
      const nlohmann::json status = call_json(ports_[number], "POST", "/v3/maintenance/status", "{}");
      const std::string followed = status.value("leader", "0");
      if (followed == "0" || (!leader.empty() && leader != followed)) return false;
      leader = followed;
      if (status.at("header").at("member_id") == leader) leader_ = number;
    }
    return true;
  }

  void put_rows(std::uint64_t first) {
    nlohmann::json puts = nlohmann::json::array();
    for (std::uint64_t row = first; row < first + kOperationsAtOnce; ++row) {
      const std::uint64_t id = kSmallestNumber + row;
      puts.push_back(
          {{"request_put", {{"key", base64(key_of(id))}, {"value", base64(value_of(id, kSmallRowBytes))}}}});
    }
    const nlohmann::json answer =
        call_json(port(), "POST", "/v3/kv/txn", nlohmann::json{{"success", puts}}.dump());
    if (!answer.value("succeeded", false)) throw std::runtime_error(answer.dump());
  }
};

}  // namespace

std::unique_ptr<Target> start_etcd(const fs::path& program, const fs::path& folder) {
  return std::make_unique<EtcdTarget>(program, folder);
}

}  // namespace quorate::bench
