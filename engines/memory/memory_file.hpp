// A memory content as a file: its snapshots. The format is a magic line, then tagged fields, then the digest of all
// that came before.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "engines/memory/content.hpp"

namespace quorate {

std::string encode_content(const MemoryContent& content);
Result<MemoryContent> decode_content(std::string_view bytes);  // error: corrupt

// Writes beside the target and renames, so that the target is complete or absent. Errors: io_error.
Result<void> save_content(const MemoryContent& content, const std::filesystem::path& target);

// Errors: io_error, corrupt (not such a file, or damaged).
Result<MemoryContent> load_content(const std::filesystem::path& source);

}  // namespace quorate
