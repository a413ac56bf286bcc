#include "core/piece_compression.hpp"

#include <zstd.h>

#include <memory>
#include <new>

namespace quorate {
namespace {

// The fastest of the regular levels: even where the link costs nothing, a join takes about as long as without compression
// (./dev catchup).
constexpr int kLevel = 1;

struct FreeContext {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

std::unexpected<Error> damaged() {
  return fail(ErrorCode::corrupt, "A compressed piece of a snapshot is damaged.");
}

}  // namespace

std::optional<std::string> compress_piece(std::string_view bytes) {
  // Kept for each thread: making one costs more than compressing a piece.
  thread_local const std::unique_ptr<ZSTD_CCtx, FreeContext> context(ZSTD_createCCtx());
  if (!context) throw std::bad_alloc();
  const std::size_t worthwhile = bytes.size() - bytes.size() / 10;
  std::string compressed(worthwhile, '\0');
  const std::size_t size = ZSTD_compressCCtx(context.get(), compressed.data(), compressed.size(),
                                             bytes.data(), bytes.size(), kLevel);
  if (ZSTD_isError(size) != 0) return std::nullopt;  // there was not enough room
  compressed.resize(size);
  return compressed;
}

Result<std::string> decompress_piece(std::string_view compressed, std::size_t max_bytes) {
  const unsigned long long announced = ZSTD_getFrameContentSize(compressed.data(), compressed.size());
  if (announced == ZSTD_CONTENTSIZE_UNKNOWN || announced == ZSTD_CONTENTSIZE_ERROR) return damaged();
  if (announced > max_bytes) {
    return fail(ErrorCode::corrupt, "A piece of a snapshot would have " + std::to_string(announced) +
                                        " bytes, and " + std::to_string(max_bytes) + " were asked for.");
  }
  thread_local const std::unique_ptr<ZSTD_DCtx, FreeContext> context(ZSTD_createDCtx());
  if (!context) throw std::bad_alloc();
  std::string bytes(announced, '\0');
  const std::size_t size =
      ZSTD_decompressDCtx(context.get(), bytes.data(), bytes.size(), compressed.data(), compressed.size());
  if (ZSTD_isError(size) != 0 || size != announced) return damaged();
  return bytes;
}

}  // namespace quorate
