#include "server/serve.hpp"

#include <pthread.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include <csignal>
#include <cstdlib>
#include <iostream>

#include "server/cluster_member.hpp"
#include "server/embedded_cluster.hpp"
#include "server/http_server.hpp"
#include "server/services.hpp"

namespace quorate {

namespace {

constexpr int kConfigurationMistake = 2;
// What is left to do once every request is answered, or has been given up.
constexpr std::chrono::milliseconds kLastAnswers{1'000};

int report(const Error& error) {
  std::cerr << "quorate: " << error.message << std::endl;
  const bool is_configuration = error.code == ErrorCode::identity_mismatch ||
                                error.code == ErrorCode::not_found ||
                                error.code == ErrorCode::malformed_request;
  return is_configuration ? kConfigurationMistake : EXIT_FAILURE;
}

void set_up_logging(const std::string& level) {
  auto logger = spdlog::stderr_color_mt("quorate");
  logger->set_pattern("%Y-%m-%dT%H:%M:%S.%e %^%l%$ %v");
  logger->set_level(spdlog::level::from_str(level));
  logger->flush_on(spdlog::level::warn);
  spdlog::set_default_logger(std::move(logger));
}

// Every connection is a file descriptor, and the usual limit of 1024 is for programs that use select().
void raise_file_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

sigset_t ending_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  return signals;
}

// All threads inherit this, so that only sigwait() below sees the signals.
void block_ending_signals() {
  const sigset_t signals = ending_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

void wait_for_ending_signal() {
  const sigset_t signals = ending_signals();
  int signal = 0;
  sigwait(&signals, &signal);
  spdlog::info("received {}: finishing what is in flight", signal == SIGTERM ? "SIGTERM" : "SIGINT");
  // Whoever presses Ctrl-C again does not want to wait.
  sigset_t interrupt;
  sigemptyset(&interrupt);
  sigaddset(&interrupt, SIGINT);
  pthread_sigmask(SIG_UNBLOCK, &interrupt, nullptr);
}

void announce(const RunningCluster& cluster, const HttpServer& server) {
  bool has_content = false;
  for (const NodeConfig& node : cluster.config().nodes) {
    if (node.shared) continue;
    spdlog::info("node {}: {}, log {}", node.id, node.witness ? "a witness" : node.database, node.log);
    has_content = has_content || !node.witness;
  }
  std::cout << "listening on " << server.url() << std::endl;
  if (!has_content) return;
  std::cout << "try: curl " << server.url() << R"(/v1/query -H 'Content-Type: application/json' )"
            << R"(-d '{"sql":"SELECT 1 + 1 AS two"}')" << std::endl;
}

// The order matters: no new requests, answers to those there are, then the nodes, then the connections.
void shut_down(Services& services, HttpServer& server, RunningCluster& cluster,
               std::chrono::milliseconds time_to_finish) {
  services.stopping = true;
  server.begin_stop();
  if (!server.wait_for_connections(time_to_finish)) {
    spdlog::warn("some requests were not finished in time");
  }
  if (!cluster.stop(time_to_finish)) spdlog::warn("some accepted writes were left without an answer");
  server.wait_for_connections(kLastAnswers);
  server.stop();
}

Result<std::unique_ptr<RunningCluster>> open_cluster(const ClusterConfig& config) {
  if (config.member.id.empty()) return EmbeddedCluster::open(config);
  return ClusterMember::open(config);
}

}  // namespace

int run_serve(const ServeConfig& config) {
  set_up_logging(config.log_level);
  block_ending_signals();
  raise_file_limit();
  Result<std::unique_ptr<RunningCluster>> cluster = open_cluster(config.cluster);
  if (!cluster) return report(cluster.error());
  HttpMetrics metrics;
  Services services{
      .cluster = **cluster,
      .coordinator = (*cluster)->coordinator(),
      .limits = config.cluster.limits,
      .json_limits = {.depth = config.http.limits.json_depth, .values = config.http.limits.json_values},
      .http_limits = config.http.limits,
      .cors = CorsPolicy(config.http.cors_origins),
      .log_requests = config.http.log_requests,
      .metrics = metrics};
  Result<std::unique_ptr<HttpServer>> server = HttpServer::start(config.http, services);
  if (!server) return report(server.error());

  announce(**cluster, **server);
  wait_for_ending_signal();
  shut_down(services, **server, **cluster, config.http.timeouts.shutdown);
  cluster->reset();  // before the server: an answer that still comes finds its io_context
  spdlog::info("stopped");
  return EXIT_SUCCESS;
}

}  // namespace quorate
