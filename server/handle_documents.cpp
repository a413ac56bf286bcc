// GET /openapi.yaml and GET /problems/{code}
#include "server/handlers.hpp"
#include "server/openapi_text.hpp"
#include "server/problem.hpp"
#include "server/request_target.hpp"
#include "server/services.hpp"

namespace quorate {

HandlerResult get_openapi(const Services&, const HttpRequest&) {
  HttpResponse response{.content_type = "application/yaml"};
  response.body = kOpenApiText;
  co_return response;
}

HandlerResult get_problem(const Services&, const HttpRequest& request) {
  const std::string code = percent_decoded(request.path_arguments.front());
  const ProblemKind* kind = find_problem_kind(code);
  if (kind == nullptr) {
    co_return fail(ErrorCode::not_found, "There is no problem with the code \"" + code + "\".");
  }
  HttpResponse response{.content_type = "text/plain; charset=utf-8"};
  response.body.append(kind->code)
      .append(" (HTTP status ")
      .append(std::to_string(kind->status))
      .append(")\n");
  response.body.append(kind->title).append(".\n\n").append(kind->help).append("\n");
  co_return response;
}

}  // namespace quorate
