// Pieces of snapshots, made smaller for the way (zstd). Each piece stands for itself: a transfer can go on at any of them.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "core/error.hpp"

namespace quorate {

// Nothing if it would not get smaller, by a tenth at least.
std::optional<std::string> compress_piece(std::string_view bytes);

// Errors: corrupt, also if there would be more than `max_bytes`; no more memory than that is taken for it, whatever the
// bytes announce.
Result<std::string> decompress_piece(std::string_view compressed, std::size_t max_bytes);

}  // namespace quorate
