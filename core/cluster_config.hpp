// The topology and the limits of a cluster, as plain values. config/ fills them, the composition root passes them on.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/consistency_mode.hpp"
#include "core/parameter_rows.hpp"

namespace quorate {

struct NodeConfig {
  std::string id;                 // "n1", ... unique in the cluster
  bool preferred_master = false;  // campaigns first; its _cluster_meta role is "master", the others' "backup"
  std::string database;           // the engine's uri; for sqlite a file path
  std::string log;                // path of this node's replicated log
  bool witness = false;           // votes and keeps the log, has no database
  bool shared = false;            // its log is in reach of several processes: it runs where it is told to
};

// Every bound that decides how much a client may ask for or make us hold. Past one, the client gets limit_exceeded,
// result_too_large or overloaded.
struct CoreLimits {
  std::size_t statements_per_transaction = 10'000;
  std::size_t sql_bytes = 1024UL * 1024;  // of one statement's text
  std::size_t parameters_per_statement = kMaxParametersPerRow;
  std::size_t parameter_rows = 1'000'000;  // of one transaction
  std::size_t result_rows = 100'000;
  std::size_t result_bytes = 64UL * 1024 * 1024;
  std::size_t kept_result_bytes = 1024UL * 1024;              // of a transaction with a key
  std::chrono::milliseconds key_retention{24 * 3600 * 1000};  // how long its outcome is kept at least
  std::size_t queue_transactions = 20'000;                    // waiting to be prepared, per node
  std::size_t queue_bytes = 256UL * 1024 * 1024;
  std::size_t batch_transactions = 1'000;  // decided by one log entry
  std::size_t batch_bytes = 8UL * 1024 * 1024;
  // A batch that waits for more begins with so many: the engine runs them meanwhile.
  std::size_t batch_part_transactions = 8;
  std::size_t append_bytes = 1024UL * 1024;  // of log entries in one message to a follower
  std::size_t waiting_reads = 20'000;
  std::size_t flush_entries =
      10'000;  // applied before the database is made durable, which lets the log be compacted
  std::size_t flush_bytes = 32UL * 1024 * 1024;  // likewise
  std::uint64_t log_retain_bytes =
      1024UL * 1024 * 1024;  // kept for members that are away; who misses more, needs a
                             // snapshot
  std::size_t snapshot_piece_bytes = 256UL * 1024;    // asked for in one message
  bool snapshot_compression = true;                   // while one is received
  std::uint64_t snapshot_bytes_per_second = 0;        // received by one node; 0: as fast as it goes
  std::chrono::milliseconds default_timeout{10'000};  // of a request that names none
  std::chrono::milliseconds max_timeout{120'000};
  std::chrono::milliseconds statement_time{
      10'000};                // of one transaction's statements together, one query, or one piece of a stream
  std::size_t streams = 100;  // results being read piece by piece, per node
  std::chrono::milliseconds stream_time{600'000};  // of one stream: as long, the database keeps what it sees
};

struct Timing {
  std::chrono::milliseconds heartbeat{50};
  std::chrono::milliseconds election_timeout{600};  // plus a random share of itself
  std::chrono::microseconds gather{1'000};  // the longest that a batch waits for the clients of the last one
  std::chrono::milliseconds prepare_timeout{3'000};  // DualWrite: how long a node may take to prepare
  std::chrono::milliseconds commit_wait{
      2'000};  // DualWrite: how long the master waits for the backups' commit
  std::chrono::milliseconds degrade_after{2'000};  // --dual-write-degrade: how long a node must be gone
  std::chrono::milliseconds hand_back_after{
      2'000};  // how long the preferred master must be well before it leads again
  std::chrono::milliseconds restart_delay{1'000};  // before a failed embedded node is opened again; doubles
  std::chrono::milliseconds max_restart_delay{30'000};
};

// How this process's node takes part in a cluster of processes; without an id, all nodes are in this process.
struct MemberConfig {
  std::string id;           // of the node of this process
  std::string listen_host;  // its peer port
  std::uint16_t listen_port = 0;
  std::string advertise;  // HOST:PORT where others reach it; empty: as it listens
  std::vector<std::pair<std::string, std::string>>
      initial;                    // id and HOST:PORT of those that begin the cluster
  std::vector<std::string> join;  // HOST:PORT of members to ask, for a node that comes later
  std::string witness_lock;  // folder of a witness that runs in the process that holds its lock; may be empty
  std::string api_url;       // where clients reach this process
};

struct ClusterConfig {
  std::string cluster_id;  // empty: keep the stored one, or make one for a new cluster
  ConsistencyMode mode = ConsistencyMode::quorum;  // of a new cluster; an existing one keeps its own
  std::string engine = "sqlite";
  std::vector<NodeConfig> nodes;
  MemberConfig member;
  bool dual_write_degrade =
      false;  // dual_write goes on without a data node that is gone, until it has caught up
  std::size_t reader_threads = 2;
  CoreLimits limits;
  Timing timing;
};

}  // namespace quorate
