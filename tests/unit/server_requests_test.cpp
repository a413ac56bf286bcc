#include <doctest/doctest.h>

#include <string>

#include "server/json_reader.hpp"
#include "server/query_json.hpp"
#include "server/request_id.hpp"
#include "server/request_target.hpp"
#include "server/transaction_json.hpp"

namespace quorate {
namespace {

const CoreLimits kLimits{
    .statements_per_transaction = 3, .sql_bytes = 20, .parameters_per_statement = 2, .parameter_rows = 3};

Result<TransactionRequest> transaction(std::string_view text) {
  Result<JsonValue> body = read_json(text, {}, transaction_rows(kLimits));
  REQUIRE(body.has_value());
  return decode_transaction(*body, kLimits);
}

Result<QueryRequest> query(std::string_view text) {
  Result<JsonValue> body = read_json(text, {});
  REQUIRE(body.has_value());
  return decode_query(*body, kLimits);
}

std::string message(const auto& result) {
  REQUIRE_FALSE(result.has_value());
  return result.error().message;
}

}  // namespace

TEST_CASE("a transaction is decoded with all its fields") {
  const Result<TransactionRequest> request = transaction(
      R"({"statements":[{"sql":"A","params":[1,true,null]}],"mode":"dual_write","timeout_ms":7})");
  CHECK_FALSE(request.has_value());  // three parameters, and the limit is two
  CHECK(request.error().code == ErrorCode::limit_exceeded);

  const Result<TransactionRequest> good = transaction(
      R"({"timeout_ms":7,"mode":"dual_write","statements":[
          {"params":[1,true],"sql":"A","expect_rows":2},
          {"sql":"B","params":{"x":"t","y":{"base64":"AA=="}},"allow_no_rows":true}]})");
  REQUIRE(good.has_value());
  CHECK(good->timeout == std::chrono::milliseconds(7));
  CHECK(good->transaction.mode == ConsistencyMode::dual_write);
  CHECK(good->transaction.id.empty());
  REQUIRE(good->transaction.statements.size() == 2);
  const Statement& first = good->transaction.statements[0];
  CHECK(first.sql == "A");
  CHECK(first.parameters.positional == Row{std::int64_t{1}, std::int64_t{1}});
  CHECK(first.expect_rows == 2);
  CHECK_FALSE(first.allow_no_rows);
  const Statement& second = good->transaction.statements[1];
  CHECK(second.allow_no_rows);
  CHECK_FALSE(second.expect_rows.has_value());
  REQUIRE(second.parameters.named.size() == 2);
  CHECK(second.parameters.named[0] == std::pair<std::string, Value>{"x", std::string("t")});
  CHECK(second.parameters.named[1] == std::pair<std::string, Value>{"y", Blob{std::string(1, '\0')}});
}

TEST_CASE("errors of a transaction begin with their place") {
  CHECK(message(transaction("{}")) == "The body needs the field \"statements\".");
  CHECK(message(transaction("[]")) == "The body must be an object, not an array.");
  CHECK(message(transaction(R"({"statements":[{"sql":"A"},{"sql":5}]})")) ==
        "/statements/1/sql must be a string, not an integer.");
  CHECK(message(transaction(R"({"statements":[{"sql":"A","params":{"a/b~":[]}}]})"))
            .starts_with("/statements/0/params/a~1b~0 must be null"));
  CHECK(message(transaction(R"({"statements":[{"sql":"A"}],"timeout_ms":120001})")) ==
        "/timeout_ms must be from 1 to 120000.");
  const auto wrong = transaction(R"({"statements":[{"sql":"A"},{"sql":"B"},{"SQL":"C"}]})");
  CHECK(wrong.error().statement == 2);
  CHECK(message(wrong).find("\"SQL\"") != std::string::npos);
}

TEST_CASE("rows of parameters take the form of the first") {
  const auto rows_of = [](std::string_view batch) {
    const auto request =
        transaction(R"({"statements":[{"sql":"A","params_batch":)" + std::string(batch) + "}]}");
    INFO(batch);
    REQUIRE(request.has_value());
    std::vector<Row> rows;
    ParameterRowsReader reader(request->transaction.statements[0].rows);
    while (reader.next()) {
      Row& row = rows.emplace_back();
      for (const ValueView& value : reader.row()) row.push_back(to_value(value));
    }
    return rows;
  };
  CHECK(rows_of(R"([[1,"a"],[-2.5,null],[true,{"base64":"AA=="}]])") ==
        std::vector<Row>{{std::int64_t{1}, std::string("a")},
                         {-2.5, Null{}},
                         {std::int64_t{1}, Blob{std::string(1, '\0')}}});
  // The names of the first row give the order, whatever order the others have.
  const auto named = rows_of(
      R"([{"x":"long text","y":2},{"y":3,"x":""},{"x":{"integer":"5"},"y":{"text":true,"base64":"QQ=="}}])");
  CHECK(named == std::vector<Row>{{std::string("long text"), std::int64_t{2}},
                                  {std::string(), std::int64_t{3}},
                                  {std::int64_t{5}, std::string("A")}});
  CHECK(rows_of("[[],[]]") == std::vector<Row>{{}, {}});
}

TEST_CASE("errors in rows of parameters name the row") {
  const auto refused = [](std::string_view batch) {
    const auto request =
        transaction(R"({"statements":[{"sql":"A"},{"sql":"A","params_batch":)" + std::string(batch) + "}]}");
    INFO(batch);
    REQUIRE_FALSE(request.has_value());
    CHECK(request.error().statement == 1);
    return request.error();
  };
  const std::string place = "/statements/1/params_batch";
  CHECK(refused("[]").message == place + " must hold at least one parameter list.");
  CHECK(refused("7").message == place + " must be an array of parameter lists, not an integer.");
  CHECK(refused("[[1],[1,2]]").message == place + "/1 has 2 values, and the first has 1.");
  CHECK(refused("[[1],[1,2]]").params_index == 1);
  CHECK(refused("[[1],7]").message == place + "/1 must be an array or an object of parameters.");
  CHECK(refused("[[1],{}]").message == place + "/1 must be an array, as the first is.");
  CHECK(refused(R"([{"a":1},{"b":1}])").message == place + "/1 has the name \"b\", which the first has not.");
  CHECK(refused(R"([{"a":1,"b":2},{"b":1}])").message == place + "/1 has no \"a\", which the first has.");
  CHECK(refused(R"([{"a":1,"a":2}])").message == place + "/0 has the name \"a\" twice.");
  CHECK(refused("[[1],[[1]]]").message.starts_with(place + "/1/0 must be null, a boolean"));
  CHECK(refused(R"([[1],[{"x":1}]])").message.starts_with(place + "/1/0 must be null, a boolean"));
  CHECK(refused(R"([[{"base64":"A"}]])").message.starts_with(place + "/0/0 is not valid base64"));
  CHECK(refused(R"([{"a/":{"base64":["AA=="]}}])").message.starts_with(place + "/0/a~1 must be null"));
  CHECK(refused("[[1,2,3]]").code == ErrorCode::limit_exceeded);
  CHECK(refused("[[1],[2],[3],[4]]").code == ErrorCode::limit_exceeded);
  CHECK(refused("[[1],[2],[3],[4]]").params_index == 3);
  CHECK(message(transaction(R"({"statements":[{"sql":"A","params":[],"params_batch":[[1]]}]})")) ==
        "/statements/0 must have \"params\" or \"params_batch\", not both.");
  CHECK(transaction(
            R"({"statements":[{"sql":"A","params_batch":[[1],[2]]},{"sql":"A","params_batch":[[1],[2]]}]})")
            .error()
            .code == ErrorCode::limit_exceeded);
}

TEST_CASE("limits of a transaction") {
  CHECK(transaction(R"({"statements":[{"sql":"A"},{"sql":"A"},{"sql":"A"},{"sql":"A"}]})").error().code ==
        ErrorCode::limit_exceeded);
  CHECK(transaction(R"({"statements":[{"sql":"123456789012345678901"}]})").error().code ==
        ErrorCode::limit_exceeded);
  CHECK(transaction(R"({"statements":[{"sql":"12345678901234567890"}]})").has_value());
  CHECK(transaction(R"({"statements":[{"sql":"A","params":{"a":1,"b":2,"c":3}}]})").error().code ==
        ErrorCode::limit_exceeded);
  CHECK(transaction(R"({"statements":[{"sql":"A\u0000"}]})").error().code == ErrorCode::malformed_request);
}

TEST_CASE("a query has the defaults of its documentation") {
  const Result<QueryRequest> request = query(R"({"sql":"A"})");
  REQUIRE(request.has_value());
  CHECK(request->consistency == ReadConsistency::linearizable);
  CHECK(request->min_index == 0);
  CHECK(request->shape == RowShape::arrays);
  CHECK(request->timeout == kLimits.default_timeout);
  CHECK(request->query.max_rows == kLimits.result_rows);
  CHECK(request->query.max_bytes == kLimits.result_bytes);
}

TEST_CASE("a query in a URL means the same as one in a body") {
  HttpRequest request;
  REQUIRE(
      parse_target(
          "/v1/query?sql=A+%3F%20b&params=%5B1%2C%22x%22%5D&consistency=local&node=n2&min_index=7&max_rows=5"
          "&timeout_ms=9&shape=objects&integers=string",
          request)
          .has_value());
  CHECK(request.path == "/v1/query");
  Result<JsonValue> body = query_parameters_as_json(request.query, {});
  REQUIRE(body.has_value());
  const Result<QueryRequest> decoded = decode_query(*body, kLimits);
  REQUIRE(decoded.has_value());
  CHECK(decoded->query.sql == "A ? b");
  CHECK(decoded->query.parameters.positional == Row{std::int64_t{1}, std::string("x")});
  CHECK(decoded->consistency == ReadConsistency::local);
  CHECK(decoded->node == "n2");
  CHECK(decoded->min_index == 7);
  CHECK(decoded->query.max_rows == 5);
  CHECK(decoded->timeout == std::chrono::milliseconds(9));
  CHECK(decoded->shape == RowShape::objects);
}

TEST_CASE("a number stays text where the URL's parameter is text") {
  Result<JsonValue> body =
      query_parameters_as_json({{"sql", "1"}, {"node", "2"}, {"consistency", "local"}}, {});
  REQUIRE(body.has_value());
  const Result<QueryRequest> decoded = decode_query(*body, kLimits);
  REQUIRE(decoded.has_value());
  CHECK(decoded->query.sql == "1");
  CHECK(decoded->node == "2");
}

TEST_CASE("a node can be named for local reads only") {
  CHECK(query(R"({"sql":"A","node":"n1","consistency":"local"})").has_value());
  CHECK(query(R"({"sql":"A","node":"n1"})").error().code == ErrorCode::malformed_request);
}

TEST_CASE("targets are taken apart or refused") {
  const auto path_of = [](std::string_view target) {
    HttpRequest request;
    return parse_target(target, request) ? request.path : std::string("refused");
  };
  CHECK(path_of("/healthz") == "/healthz");
  CHECK(path_of("/%68ealthz?x") == "/%68ealthz");
  CHECK(path_of("http://example.org/healthz") == "/healthz");
  CHECK(path_of("http://example.org") == "/");
  CHECK(path_of("//healthz") == "//healthz");
  for (const char* const target :
       {"", "healthz", "*", "ftp://x/y", "/%", "/%zz", "/a b", "/\x80", "example.org:80"}) {
    CAPTURE(target);
    CHECK(path_of(target) == "refused");
  }
}

TEST_CASE("a client's request id is kept if it is sane") {
  CHECK(choose_request_id("abc") == "abc");
  CHECK(choose_request_id(std::string(128, 'x')) == std::string(128, 'x'));
  for (const std::string& bad : {std::string(), std::string(129, 'x'), std::string("a b"),
                                 std::string("a\nb"), std::string("\xC3\xA9")}) {
    CHECK(choose_request_id(bad) != bad);
    CHECK_FALSE(choose_request_id(bad).empty());
  }
  CHECK(choose_request_id("") != choose_request_id(""));
}

}  // namespace quorate
