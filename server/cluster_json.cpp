#include "server/cluster_json.hpp"

#include <utility>

#include "server/json_writer.hpp"

namespace quorate {

namespace {

void append_name(std::string& out, std::string_view name) {
  if (out.back() != '{') out += ',';
  append_json_string(out, name);
  out += ':';
}

void append_text(std::string& out, std::string_view name, std::string_view value) {
  append_name(out, name);
  append_json_string(out, value);
}

void append_count(std::string& out, std::string_view name, std::uint64_t value) {
  append_name(out, name);
  append_json_integer(out, value);
}

void append_node(std::string& out, const NodeStatus& node) {
  out += '{';
  append_text(out, "id", node.id);
  append_text(out, "role", node.role);
  append_name(out, "preferred_master");
  out += node.preferred_master ? "true" : "false";
  append_text(out, "state", node.state);
  if (!node.detail.empty()) append_text(out, "detail", node.detail);
  if (!node.url.empty()) append_text(out, "url", node.url);
  if (!node.peer.empty()) append_text(out, "peer", node.peer);
  append_text(out, "instance", node.instance);
  append_name(out, "out_of_dual_write");
  out += node.out ? "true" : "false";
  if (!node.engine.empty()) append_text(out, "engine", node.engine);
  append_count(out, "match_index", node.match_index);
  append_count(out, "applied_index", node.applied_index);
  append_count(out, "lag", node.lag);
  if (!node.digest.empty()) append_text(out, "digest", node.digest);
  if (node.last_contact_ms) {
    append_name(out, "last_contact_ms");
    append_json_integer(out, *node.last_contact_ms);
  }
  out += '}';
}

void append_verified_node(std::string& out, const VerifyReport::Node& node) {
  out += '{';
  append_text(out, "id", node.id);
  if (node.error) {
    append_text(out, "not_compared", node.error->message);
    out += '}';
    return;
  }
  append_text(out, "digest", to_string(node.chain));
  append_text(out, "schema", to_string(node.content.schema));
  append_name(out, "tables");
  out += '{';
  for (const auto& [name, table] : node.content.tables) {
    append_name(out, name);
    out += '{';
    append_count(out, "rows", table.rows);
    append_text(out, "digest", to_string(table.digest));
    out += '}';
  }
  out += "}}";
}

}  // namespace

void append_cluster_status(std::string& out, const ClusterStatus& status) {
  out += '{';
  append_text(out, "cluster_id", status.cluster_id);
  append_text(out, "mode", to_string(status.mode));
  append_count(out, "term", status.term);
  append_count(out, "commit_index", status.commit_index);
  append_name(out, "leader");
  if (status.leader.empty()) {
    out += "null";
  } else {
    append_json_string(out, status.leader);
  }
  append_text(out, "source", status.source);
  append_name(out, "nodes");
  out += '[';
  bool first = true;
  for (const NodeStatus& node : status.nodes) {
    if (!std::exchange(first, false)) out += ',';
    append_node(out, node);
  }
  out += "]}";
}

void append_verify_report(std::string& out, const VerifyReport& report) {
  out += '{';
  append_name(out, "equal");
  out += report.equal ? "true" : "false";
  append_count(out, "index", report.index);
  append_name(out, "differences");
  append_json_strings(out, report.differences);
  append_name(out, "nodes");
  out += '[';
  bool first = true;
  for (const VerifyReport::Node& node : report.nodes) {
    if (!std::exchange(first, false)) out += ',';
    append_verified_node(out, node);
  }
  out += "]}";
}

}  // namespace quorate
