#include "server/peer_handshake.hpp"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <charconv>

#include "server/json_reader.hpp"
#include "server/json_writer.hpp"
#include "server/peer_frame.hpp"

namespace quorate {

namespace asio = boost::asio;
namespace http = boost::beast::http;

namespace {

constexpr std::string_view kTarget = "/v1/peer";
constexpr std::string_view kUpgrade = "quorate-peer";
constexpr std::string_view kWitness = "witness";  // a node that names no role holds data
constexpr std::uint32_t kMaxHeadBytes = 8UL * 1024;
constexpr std::uint64_t kMaxBodyBytes = 16UL * 1024;  // of a refusal
constexpr std::size_t kMaxTextBytes = 512;            // of one header field

// --- writing ---

void append_field(std::string& head, std::string_view name, std::string_view value) {
  head.append(name).append(": ").append(printable(value)).append("\r\n");
}

void append_hello(std::string& head, const PeerHello& self) {
  std::string also;
  for (const NodeId& node : self.also) also += (also.empty() ? "" : ",") + node;
  append_field(head, "Connection", "Upgrade");
  append_field(head, "Upgrade", kUpgrade);
  append_field(head, "Quorate-Protocol", std::to_string(kPeerProtocol));
  append_field(head, "Quorate-Cluster", self.cluster_id);
  append_field(head, "Quorate-Node", self.node);
  append_field(head, "Quorate-Instance", to_text(self.instance));
  append_field(head, "Quorate-Boot", to_text(self.boot));
  append_field(head, "Quorate-Peer-Address", self.peer_address);
  append_field(head, "Quorate-Api-Url", self.api_url);
  if (self.witness) append_field(head, "Quorate-Role", kWitness);
  if (!also.empty()) head.append("Quorate-Also: ").append(also).append("\r\n");
  head += "\r\n";
}

// --- reading ---

PeerRefusal malformed(std::string detail) {
  return {.status = 400, .code = "malformed_request", .detail = std::move(detail)};
}

std::string_view field(const http::fields& fields, std::string_view name) {
  const auto found = fields.find(name);
  return found == fields.end() ? std::string_view() : std::string_view(found->value());
}

bool parse_hex(std::string_view text, std::uint64_t& number) {
  const char* const begin = text.data();
  const char* const end = begin + text.size();
  const auto [last, code] = std::from_chars(begin, end, number, 16);
  return !text.empty() && code == std::errc() && last == end;
}

bool parse_also(std::string_view text, std::vector<NodeId>& nodes) {
  while (!text.empty()) {
    const std::string_view node = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), node.size() + 1));
    if (!is_node_id(node) || nodes.size() == kMaxAlsoNodes) return false;
    nodes.emplace_back(node);
  }
  return true;
}

std::expected<PeerHello, PeerRefusal> parse_hello(const http::fields& fields) {
  if (!http::token_list(field(fields, "Connection")).exists("Upgrade") ||
      field(fields, "Upgrade") != kUpgrade) {
    return std::unexpected(
        malformed("This is where Quorate's nodes speak to each other. Clients use the HTTP API."));
  }
  const std::string_view protocol = field(fields, "Quorate-Protocol");
  if (protocol != std::to_string(kPeerProtocol)) {
    return std::unexpected(PeerRefusal{.status = 426,
                                       .code = "wrong_protocol",
                                       .detail = "This version of Quorate speaks protocol " +
                                                 std::to_string(kPeerProtocol) + " between nodes, not '" +
                                                 printable(protocol) + "'."});
  }
  PeerHello hello;
  const auto bad = [](std::string_view name) {
    return std::unexpected(malformed("The header field " + std::string(name) + " is missing or wrong."));
  };
  hello.node = field(fields, "Quorate-Node");
  if (!is_node_id(hello.node)) return bad("Quorate-Node");
  if (!parse_hex(field(fields, "Quorate-Instance"), hello.instance)) return bad("Quorate-Instance");
  if (!parse_hex(field(fields, "Quorate-Boot"), hello.boot)) return bad("Quorate-Boot");
  if (!parse_also(field(fields, "Quorate-Also"), hello.also)) return bad("Quorate-Also");
  const std::string_view role = field(fields, "Quorate-Role");
  if (!role.empty() && role != kWitness) return bad("Quorate-Role");
  hello.witness = role == kWitness;
  hello.cluster_id = field(fields, "Quorate-Cluster");
  if (hello.cluster_id.size() > kMaxTextBytes) return bad("Quorate-Cluster");
  hello.peer_address = field(fields, "Quorate-Peer-Address");
  if (hello.peer_address.size() > kMaxTextBytes) return bad("Quorate-Peer-Address");
  hello.api_url = field(fields, "Quorate-Api-Url");
  if (hello.api_url.size() > kMaxTextBytes) return bad("Quorate-Api-Url");
  return hello;
}

// The refusal that an answer other than 101 is.
PeerRefusal parse_refusal(unsigned status, const std::string& body) {
  PeerRefusal refusal{.status = status, .code = "refused", .detail = "It gave no reason."};
  Result<JsonValue> json = read_json(body, {.depth = 8, .values = 100});
  if (!json) return refusal;
  JsonValue::Object* members = json->as<JsonValue::Object>();
  if (members == nullptr) return refusal;
  for (JsonMember& member : *members) {
    const std::string* text = member.value.as<std::string>();
    if (text != nullptr && member.name == "code") refusal.code = printable(*text);
    if (text != nullptr && member.name == "detail") refusal.detail = printable(*text);
  }
  return refusal;
}

// Gives all input to the parser. Returns the bytes it took.
template <typename Parser>
std::size_t parse(Parser& parser, std::string_view input, bool at_end, boost::system::error_code& code) {
  parser.header_limit(kMaxHeadBytes);
  const std::size_t used = parser.put(asio::buffer(input), code);
  if (code == http::error::need_more) code = {};
  if (!code && at_end && parser.got_some() && !parser.is_done()) parser.put_eof(code);
  return used;
}

}  // namespace

std::string peer_request(const PeerHello& self, std::string_view address) {
  std::string head = "GET " + std::string(kTarget) + " HTTP/1.1\r\n";
  append_field(head, "Host", address);
  append_hello(head, self);
  return head;
}

std::string peer_acceptance(const PeerHello& self) {
  std::string head = "HTTP/1.1 101 Switching Protocols\r\n";
  append_hello(head, self);
  return head;
}

std::string peer_refusal(const PeerRefusal& refusal) {
  std::string body = "{\"type\":\"/problems/";
  body += refusal.code + "\",\"status\":" + std::to_string(refusal.status) + ",\"code\":";
  append_json_string(body, refusal.code);
  body += ",\"detail\":";
  append_json_string(body, refusal.detail);
  body += "}\n";
  const http::status status = http::int_to_status(refusal.status);
  std::string answer = "HTTP/1.1 " + std::to_string(refusal.status) + " " +
                       std::string(http::obsolete_reason(status)) + "\r\n";
  append_field(answer, "Content-Type", "application/problem+json");
  append_field(answer, "Content-Length", std::to_string(body.size()));
  append_field(answer, "Quorate-Protocol", std::to_string(kPeerProtocol));
  if (refusal.status == 426) append_field(answer, "Upgrade", kUpgrade);  // RFC 9110 §15.5.22
  append_field(answer, "Connection", refusal.status == 426 ? "Upgrade, close" : "close");
  return answer + "\r\n" + body;
}

std::optional<ParsedIntroduction> parse_peer_request(std::string_view input) {
  http::request_parser<http::empty_body> parser;
  boost::system::error_code code;
  const std::size_t used = parse(parser, input, false, code);
  if (code) {
    return std::unexpected(
        malformed("This is not HTTP as Quorate's nodes speak it: " + code.message() + "."));
  }
  if (!parser.is_header_done()) return std::nullopt;
  const auto& request = parser.get();
  if (request.target() != kTarget) {
    return std::unexpected(
        PeerRefusal{.status = 404,
                    .code = "not_found",
                    .detail = "This port is for Quorate's nodes among themselves; clients use the "
                              "HTTP API, on another port."});
  }
  if (request.method() != http::verb::get) return std::unexpected(malformed("The method must be GET."));
  auto hello = parse_hello(request);
  if (!hello) return std::unexpected(std::move(hello.error()));
  return PeerIntroduction{.hello = std::move(*hello), .bytes = used};
}

std::optional<ParsedIntroduction> parse_peer_answer(std::string_view input, bool at_end) {
  http::response_parser<http::string_body> parser;
  parser.eager(true);
  parser.body_limit(kMaxBodyBytes);
  boost::system::error_code code;
  const std::size_t used = parse(parser, input, at_end, code);
  const bool is_over = parser.is_done() || at_end || code;
  if (!is_over) return std::nullopt;
  if (!parser.is_header_done()) {
    const std::string reason = code ? code.message() : "the connection was closed";
    return std::unexpected(malformed("It did not answer as a Quorate node does: " + reason + "."));
  }
  const unsigned status = parser.get().result_int();
  if (status != 101) return std::unexpected(parse_refusal(status, parser.get().body()));
  auto hello = parse_hello(parser.get());
  if (!hello) return std::unexpected(std::move(hello.error()));
  return PeerIntroduction{.hello = std::move(*hello), .bytes = used};
}

}  // namespace quorate
