// GET /healthz and GET /readyz
#include "server/handlers.hpp"
#include "server/services.hpp"

namespace quorate {

HandlerResult get_healthz(const Services&, const HttpRequest&) {
  co_return HttpResponse{.body = R"({"status":"ok"})"};
}

HandlerResult get_readyz(const Services& services, const HttpRequest&) {
  if (services.stopping) co_return fail(ErrorCode::shutting_down, "This server is shutting down.");
  if (!services.coordinator.is_ready()) {
    co_return fail(ErrorCode::no_leader,
                   "No leader is known yet, or this process has not caught up with it.");
  }
  co_return HttpResponse{.body = R"({"status":"ready"})"};
}

}  // namespace quorate
