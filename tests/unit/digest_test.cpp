#include "core/digest.hpp"

#include <doctest/doctest.h>

#include <string>

namespace quorate {

TEST_CASE("a digest is XXH3-128, written as 32 lower-case hexadecimal digits") {
  // The value that `xxh128sum` prints for an empty input.
  CHECK(to_string(digest_of("")) == "99aa06d3014798d86001c324468d497f");
  CHECK(to_string(Digest{}) == std::string(32, '0'));
  CHECK(to_string(Digest{.high = 0xABC, .low = 1}) == "0000000000000abc0000000000000001");
}

TEST_CASE("a digest survives being written and read") {
  for (const char* text :
       {"", "a", "Grüße", "a longer text, past the short-input path of the hash function"}) {
    const Digest digest = digest_of(text);
    CHECK(parse_digest(to_string(digest)) == digest);
  }
}

TEST_CASE("what is not a digest reads as zero") {
  const std::string good = to_string(digest_of("x"));
  CHECK(parse_digest("") == Digest{});
  CHECK(parse_digest(good.substr(1)) == Digest{});
  CHECK(parse_digest(good + "0") == Digest{});
  CHECK(parse_digest("g" + good.substr(1)) == Digest{});
  CHECK(parse_digest(good.substr(0, 31) + " ") == Digest{});
  CHECK(parse_digest("-" + good.substr(1)) == Digest{});
}

TEST_CASE("the chain depends on every link and on their order") {
  const Digest a = digest_of("a");
  const Digest b = digest_of("b");
  CHECK(chain(chain({}, a), b) != chain(chain({}, b), a));
  CHECK(chain({}, a) != a);
  CHECK(chain(a, {}) != a);
  CHECK(chain(a, b) == chain(a, b));
}

}  // namespace quorate
