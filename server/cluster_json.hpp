// How the cluster's state and the comparison of its nodes are written as JSON.
#pragma once

#include <string>

#include "core/coordinator.hpp"

namespace quorate {

void append_cluster_status(std::string& out, const ClusterStatus& status);
void append_verify_report(std::string& out, const VerifyReport& report);

}  // namespace quorate
