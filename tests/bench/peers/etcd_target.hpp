// etcd: keys and values behind Raft, over its JSON gateway.
#pragma once

#include <filesystem>
#include <memory>

#include "tests/bench/target.hpp"

namespace quorate::bench {

// `program` is etcd.
std::unique_ptr<Target> start_etcd(const std::filesystem::path& program, const std::filesystem::path& folder);

}  // namespace quorate::bench
