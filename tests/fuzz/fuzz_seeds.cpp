// Writes the inputs that the fuzzers start from: fuzz_seeds FOLDER makes a folder in it for each fuzzer, anew if it is there
// with what the fuzzer has added.
#include <filesystem>
#include <fstream>
#include <iostream>

#include "core/piece_compression.hpp"
#include "core/wire_codec.hpp"
#include "server/peer_frame.hpp"
#include "tests/fuzz/sample_messages.hpp"

namespace quorate {
namespace {

std::string frame(const std::string& payload) {
  const FrameHead head = frame_head(payload);
  return std::string(head.data(), head.size()) + payload;
}

void write(const std::filesystem::path& folder, std::size_t number, const std::string& bytes) {
  std::ofstream(folder / std::to_string(number), std::ios::binary) << bytes;
}

void write_all(const std::filesystem::path& folder) {
  for (const std::string name : {"fuzz_wire_codec", "fuzz_peer_frames", "fuzz_piece_compression"}) {
    std::filesystem::remove_all(folder / name);
    std::filesystem::create_directories(folder / name);
  }
  const std::string cut_after_seven_bytes(1, '\6');
  std::size_t number = 0;
  std::string stream = cut_after_seven_bytes + frame(encode(PeerControl(AlsoUpdate{.nodes = {"w1", "w2"}})));
  for (const Message& message : sample_messages()) {
    const std::string bytes = encode(message);
    write(folder / "fuzz_wire_codec", number, bytes);
    write(folder / "fuzz_peer_frames", number, cut_after_seven_bytes + frame("") + frame(bytes));
    stream += frame(bytes);
    ++number;
  }
  stream += frame(encode(PeerControl(Goodbye{.code = "duplicate_node_id", .detail = "Two."})));
  write(folder / "fuzz_peer_frames", number, stream);
  write(folder / "fuzz_piece_compression", 0, compress_piece(std::string(5'000, 'x')).value_or(""));
  write(folder / "fuzz_piece_compression", 1, compress_piece(stream + stream + stream).value_or(""));
}

}  // namespace
}  // namespace quorate

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: fuzz_seeds FOLDER\n";
    return 2;
  }
  quorate::write_all(argv[1]);
  return 0;
}
