// GET /healthz and GET /readyz
#include "server/handlers.hpp"
#include "server/services.hpp"

namespace quorate {

HandlerResult get_healthz(const Services&, const HttpRequest&) {
  co_return HttpResponse{.body = R"({"status":"ok"})"};
}

HandlerResult get_readyz(const Services& services, const HttpRequest&) {
  if (services.stopping) co_return fail(ErrorCode::shutting_down, "This server is shutting down.");
  if (Result<void> ready = services.coordinator.check_ready(); !ready)
    co_return std::unexpected(std::move(ready.error()));
  co_return HttpResponse{.body = R"({"status":"ready"})"};
}

}  // namespace quorate
