#include "tests/bench/peers/dqlite_wire.hpp"

#include <array>
#include <bit>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace quorate::bench {
namespace asio = boost::asio;

namespace {

static_assert(std::endian::native == std::endian::little, "dqlite's numbers are little-endian");

constexpr std::size_t kWordBytes = 8;
constexpr std::uint64_t kProtocolVersion = 1;
constexpr std::uint32_t kMaxAnswerWords = 64U * 1024;
constexpr std::uint64_t kWithRoles = 1;  // the format of the answer to `cluster`
constexpr std::uint64_t kVoter = 0;
constexpr std::uint64_t kReadWriteCreate = 6;  // SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE

enum class Ask : std::uint8_t { leader = 0, open = 3, execute = 8, cluster = 16 };
enum class Answer : std::uint8_t { node = 1, nodes = 3, database = 4, result = 6 };

struct Head {
  std::uint32_t words = 0;
  std::uint8_t type = 0;
  std::uint8_t schema = 0;
  std::uint16_t extra = 0;
};
static_assert(sizeof(Head) == kWordBytes);

void put(std::string& body, std::uint64_t number) {
  body.append(reinterpret_cast<const char*>(&number), sizeof(number));
}

// With its terminating 0, filled up to whole words.
void put(std::string& body, std::string_view text) {
  body += text;
  body.append(kWordBytes - text.size() % kWordBytes, '\0');
}

class Reader {
 public:
  explicit Reader(std::string body) : body_(std::move(body)) {}

  std::uint64_t number() {
    std::uint64_t number = 0;
    std::memcpy(&number, take(kWordBytes).data(), kWordBytes);
    return number;
  }
  std::string text() {
    std::string text;
    for (bool ended = false; !ended;) {
      const std::string_view word = take(kWordBytes);
      const std::size_t end = word.find('\0');
      text += word.substr(0, end);
      ended = end != std::string_view::npos;
    }
    return text;
  }

 private:
  std::string_view take(std::size_t bytes) {
    if (body_.size() - at_ < bytes) throw std::runtime_error("an answer of dqlite is too short");
    at_ += bytes;
    return std::string_view(body_).substr(at_ - bytes, bytes);
  }

  std::string body_;
  std::size_t at_ = 0;
};

class Client {
 public:
  explicit Client(std::uint16_t port) : socket_(context_) {
    socket_.connect({asio::ip::address_v4::loopback(), port});
    std::string greeting;
    put(greeting, kProtocolVersion);
    asio::write(socket_, asio::buffer(greeting));
  }

  Reader exchange(Ask ask, std::string_view body, Answer expected) {
    const Head head{.words = static_cast<std::uint32_t>(body.size() / kWordBytes),
                    .type = static_cast<std::uint8_t>(ask)};
    asio::write(socket_, std::array{asio::buffer(&head, sizeof(head)), asio::buffer(body)});
    Head answer;
    asio::read(socket_, asio::buffer(&answer, sizeof(answer)));
    if (answer.words > kMaxAnswerWords) throw std::runtime_error("an answer of dqlite is too long");
    std::string bytes(answer.words * kWordBytes, '\0');
    asio::read(socket_, asio::buffer(bytes));
    if (answer.type != static_cast<std::uint8_t>(expected)) {
      throw std::runtime_error("dqlite answers otherwise than expected: " + bytes);
    }
    return Reader(std::move(bytes));
  }

 private:
  asio::io_context context_;
  asio::ip::tcp::socket socket_;
};

}  // namespace

std::string dqlite_leader(std::uint16_t port) {
  std::string body;
  put(body, 0);
  Reader answer = Client(port).exchange(Ask::leader, body, Answer::node);
  answer.number();  // its id
  return answer.text();
}

std::size_t dqlite_voters(std::uint16_t port) {
  std::string body;
  put(body, kWithRoles);
  Reader answer = Client(port).exchange(Ask::cluster, body, Answer::nodes);
  std::size_t voters = 0;
  for (std::uint64_t left = answer.number(); left > 0; --left) {
    answer.number();  // its id
    answer.text();    // its address
    if (answer.number() == kVoter) ++voters;
  }
  return voters;
}

std::uint64_t dqlite_execute(std::uint16_t port, std::string_view database, std::string_view sql) {
  Client client(port);
  std::string open;
  put(open, database);
  put(open, kReadWriteCreate);
  put(open, std::string_view());
  const std::uint64_t id = client.exchange(Ask::open, open, Answer::database).number() & 0xffff'ffffU;
  std::string execute;
  put(execute, id);
  put(execute, sql);
  Reader result = client.exchange(Ask::execute, execute, Answer::result);
  result.number();  // the last inserted row
  return result.number();
}

}  // namespace quorate::bench
