#include <doctest/doctest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <optional>
#include <string>

#include "server/handler_tools.hpp"

namespace quorate {
namespace {

namespace asio = boost::asio;

// An event loop with one connection that reads this body, and another one that always has something to do.
struct Loop {
  asio::io_context io{1};
  std::optional<Result<JsonValue>> read;
  int turns = 0;  // of the other one, until the body is read

  asio::awaitable<void> keep(std::string_view body) { read = co_await read_body(body, {}); }
  void take_turn() {
    if (read) return;
    ++turns;
    asio::post(io, [this] { take_turn(); });
  }
  explicit Loop(const std::string& body) {
    asio::co_spawn(io, keep(body), asio::detached);
    asio::post(io, [this] { take_turn(); });
    io.run();
    REQUIRE(read.has_value());
  }
};

}  // namespace

TEST_CASE("while a large body is read, other connections of the same thread get their turn") {
  const std::string text(2'000'000, 'x');
  Loop loop("[1,\"" + text + "\"]");
  CHECK(loop.turns > 10);
  REQUIRE(loop.read->has_value());
  const auto* array = (**loop.read).as<JsonValue::Array>();
  REQUIRE(array != nullptr);
  CHECK(*JsonValue((*array)[1]).as<std::string>() == text);

  const Loop cut_off("[1,\"" + text);
  CHECK(cut_off.turns > 10);
  CHECK(cut_off.read->error().code == ErrorCode::malformed_request);

  const Loop small("[1]");
  CHECK(small.turns <= 1);
}

}  // namespace quorate
