// quorate-echo PORT: answers what a Quorate server would, without a database, a log or another node. One thread.
#include <fmt/format.h>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

#include "tests/bench/plain_server.hpp"

namespace quorate::bench {
namespace {

std::string found(const nlohmann::json& body) {
  return fmt::format(
      R"({{"columns":["id","owner","balance","version"],"types":["INTEGER","TEXT","INTEGER","INTEGER"],)"
      R"("rows":[[{},"Ada Lovelace",100,1000000000000000]],"truncated":false,"index":123456,"node":"n1"}})",
      body.at("params").at(0).get<std::int64_t>());
}

struct Echo {
  static void on_connection(int /*change*/) {}
  static PlainResponse answer(const PlainRequest& request) {
    if (request.method() != boost::beast::http::verb::post) return plain_response(request, "");
    const auto body = nlohmann::json::parse(request.body());
    return plain_response(
        request, request.target() == "/v1/query" ? found(body) : receipt(body.at("statements").size()));
  }
};

}  // namespace
}  // namespace quorate::bench

int main(int argc, char** argv) {
  try {
    if (argc != 2) throw std::invalid_argument("usage: quorate-echo PORT");
    boost::asio::io_context context(1);
    quorate::bench::Echo echo;
    quorate::bench::serve(context, static_cast<std::uint16_t>(std::stoi(argv[1])), echo);
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "quorate-echo: {}\n", error.what());
    return 1;
  }
}
