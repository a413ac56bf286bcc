#include "core/piece_compression.hpp"

#include <doctest/doctest.h>

#include <random>
#include <string>

namespace quorate {
namespace {

constexpr std::size_t kPieceBytes = 256UL * 1024;

std::string text_piece() {
  std::string bytes;
  while (bytes.size() < kPieceBytes)
    bytes += "INSERT INTO account VALUES (" + std::to_string(bytes.size()) + ")";
  bytes.resize(kPieceBytes);
  return bytes;
}

TEST_CASE("a piece comes out of its compressed form as it was") {
  const std::string bytes = text_piece();
  const auto compressed = compress_piece(bytes);
  REQUIRE(compressed.has_value());
  CHECK(compressed->size() < bytes.size() / 2);
  const auto restored = decompress_piece(*compressed, kPieceBytes);
  REQUIRE(restored.has_value());
  CHECK(*restored == bytes);
}

TEST_CASE("noise and nothing are not compressed") {
  std::minstd_rand random(1);
  std::string noise(kPieceBytes, '\0');
  for (char& byte : noise) byte = static_cast<char>(random() >> 8);
  CHECK_FALSE(compress_piece(noise).has_value());
  CHECK_FALSE(compress_piece("").has_value());
}

TEST_CASE("a piece that would be more than was asked for is refused before it is made") {
  const auto compressed = compress_piece(std::string(kPieceBytes, 'x'));
  REQUIRE(compressed.has_value());
  CHECK(decompress_piece(*compressed, kPieceBytes).has_value());
  CHECK(decompress_piece(*compressed, kPieceBytes - 1).error().code == ErrorCode::corrupt);
  std::string liar = *compressed;
  liar[4] = '\xC0';  // a frame header that announces eight bytes of content size
  for (std::size_t at = 5; at < 13; ++at) liar[at] = '\x7F';
  CHECK(decompress_piece(liar, kPieceBytes).error().code == ErrorCode::corrupt);
}

TEST_CASE("a damaged compressed piece is refused") {
  const auto compressed = compress_piece(text_piece());
  REQUIRE(compressed.has_value());
  CHECK(decompress_piece("", kPieceBytes).error().code == ErrorCode::corrupt);
  CHECK(decompress_piece("no frame at all", kPieceBytes).error().code == ErrorCode::corrupt);
  for (std::size_t size = 0; size < compressed->size(); size += 97) {
    CHECK(decompress_piece(compressed->substr(0, size), kPieceBytes).error().code == ErrorCode::corrupt);
  }
  for (std::size_t at = 0; at < compressed->size(); at += 31) {
    std::string bytes = *compressed;
    bytes[at] = static_cast<char>(bytes[at] ^ 0x40);
    const auto restored =
        decompress_piece(bytes, kPieceBytes);  // the digest of the whole tells, where this does not
    if (restored) CHECK(restored->size() <= kPieceBytes);
  }
}

}  // namespace
}  // namespace quorate
