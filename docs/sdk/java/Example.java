import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import quorate.client.ApiClient;
import quorate.client.ApiException;
import quorate.client.JSON;
import quorate.client.api.ClusterApi;
import quorate.client.api.DataApi;
import quorate.client.model.Base64Value;
import quorate.client.model.Consistency;
import quorate.client.model.Problem;
import quorate.client.model.QueryAnswer;
import quorate.client.model.QueryRequest;
import quorate.client.model.Shape;
import quorate.client.model.Statement;
import quorate.client.model.TransactionReceipt;
import quorate.client.model.TransactionRequest;

/** Quorate from Java, with the client generated from openapi.yaml. Its arguments are the URLs of all nodes. */
public final class Example {
    private static final long PATIENCE_MS = 60_000;
    private static List<ApiClient> nodes;

    private interface Call<T> {
        T on(ApiClient node) throws ApiException;
    }

    /** The result of the call on the first node that can answer: the others may be down, or without a leader. */
    private static <T> T onSomeNode(Call<T> call) throws Exception {
        for (long deadline = System.currentTimeMillis() + PATIENCE_MS; ; Thread.sleep(100)) {
            for (ApiClient node : nodes) {
                try {
                    return call.on(node);
                } catch (ApiException error) {  // its code is 0 when there was no answer
                    boolean answered = error.getCode() != 0 && error.getCode() != 503;
                    if (answered || System.currentTimeMillis() > deadline) throw error;
                }
            }
        }
    }

    private static ApiClient clientOf(String url) {
        ApiClient client = new ApiClient();
        client.updateBaseUri(url);
        return client;
    }

    /** One transaction. Its key makes it happen once, on however many nodes it is tried. */
    private static TransactionReceipt write(UUID key, Statement... statements) throws Exception {
        TransactionRequest request = new TransactionRequest().statements(Arrays.asList(statements));
        return onSomeNode(node -> new DataApi(node).postTransaction(request, key.toString(), null, null));
    }

    private static QueryAnswer read(QueryRequest request) throws Exception {
        return onSomeNode(node -> new DataApi(node).postQuery(request, null, null));
    }

    /**
     * The lines of a result as a stream. The generated client would read all of it before returning, so this is a plain
     * request with its HTTP client.
     */
    private static Stream<String> openStream(ApiClient node, String sql) throws ApiException {
        try {
            String body = node.getObjectMapper().writeValueAsString(new QueryRequest().sql(sql));
            HttpRequest request = HttpRequest.newBuilder(URI.create(node.getBaseUri() + "/v1/query"))
                .header("Content-Type", "application/json").header("Accept", "application/x-ndjson")
                .POST(HttpRequest.BodyPublishers.ofString(body)).build();
            HttpResponse<Stream<String>> response = node.getHttpClient().send(request, HttpResponse.BodyHandlers.ofLines());
            if (response.statusCode() == 200) return response.body();
            throw new ApiException(response.statusCode(), response.body().collect(Collectors.joining()));
        } catch (IOException | InterruptedException error) {
            throw new ApiException(error);
        }
    }

    /** Gives `use` the rows of a result of any size, one by one. Fails if the stream is cut before it is complete. */
    private static void stream(String sql, Consumer<Map<String, JsonNode>> use) throws Exception {
        ObjectMapper mapper = JSON.getDefault().getMapper();
        try (Stream<String> stream = onSomeNode(node -> openStream(node, sql))) {
            Iterator<String> lines = stream.iterator();
            JsonNode columns = mapper.readTree(lines.next()).get("columns");
            for (long count = 0; lines.hasNext(); count++) {
                JsonNode line = mapper.readTree(lines.next());
                if (!line.isArray()) {  // the end, or the problem for which the stream was cut
                    if (line.path("rows").asLong(-1) == count) return;
                    throw new EOFException("cut after " + count + " rows: " + line);
                }
                Map<String, JsonNode> row = new HashMap<>();
                for (int i = 0; i < columns.size(); i++) row.put(columns.get(i).asText(), line.get(i));
                use.accept(row);
            }
            throw new EOFException("cut before the end");
        }
    }

    /** Null if somebody else has changed the row since this version of it was read. */
    private static TransactionReceipt deposit(long amount, long version) throws Exception {
        try {
            return write(UUID.randomUUID(), new Statement()
                .sql("UPDATE account SET balance = balance + ?, version = version + 1 WHERE id = 1 AND version = ?")
                .params(List.of(amount, version)));
        } catch (ApiException error) {
            if (error.getCode() != 409) throw error;
            Problem problem = JSON.getDefault().getMapper().readValue(error.getResponseBody(), Problem.class);
            if (problem.getCode() == Problem.CodeEnum.VERSION_CONFLICT) return null;
            throw error;
        }
    }

    public static void main(String[] urls) throws Exception {
        nodes = Stream.of(urls).map(Example::clientOf).collect(Collectors.toList());

        write(UUID.randomUUID(), new Statement().sql("CREATE TABLE account "
            + "(id INTEGER PRIMARY KEY, owner TEXT, balance INTEGER, rate REAL, photo BLOB, version INTEGER)"));
        Statement[] rows = {
            new Statement().sql("INSERT INTO account VALUES (:id, :owner, :balance, :rate, :photo, 1)").params(Map.of(
                "id", 1, "owner", "Ada", "balance", (1L << 53) + 1, "rate", 0.5,
                "photo", new Base64Value().base64(new byte[] {0, 1, 2}))),
            new Statement().sql("INSERT INTO account VALUES (?, ?, ?, ?, ?, 1)")
                .params(Arrays.asList(2, "Grace", 50, null, null))};
        UUID keyOfRows = UUID.randomUUID();
        TransactionReceipt receipt = write(keyOfRows, rows);
        System.out.println("inserted " + receipt.getResults().stream().mapToLong(r -> r.getRowsAffected()).sum());

        System.out.println("first deposit " + (deposit(30, 1) != null ? "done" : "refused"));
        System.out.println("the same again " + (deposit(30, 1) != null ? "done" : "refused"));
        QueryRequest all = new QueryRequest().sql("SELECT id, owner, balance, rate, photo FROM account ORDER BY id");
        for (Object row : read(all).getRows()) System.out.println(row);

        write(UUID.randomUUID(),
            new Statement().sql("CREATE TABLE square (side INTEGER PRIMARY KEY, area INTEGER)"),
            new Statement().sql("INSERT INTO square WITH RECURSIVE n(side) AS "
                + "(VALUES (1) UNION ALL SELECT side + 1 FROM n WHERE side < ?) SELECT side, side * side FROM n")
                .params(List.of(20_000)));
        LongAdder count = new LongAdder();
        LongAdder area = new LongAdder();
        stream("SELECT side, area FROM square", square -> {
            count.increment();
            area.add(square.get("area").asLong());
        });
        System.out.println("streamed " + count + " squares with an area of " + area);

        System.out.println("leader " + new ClusterApi(nodes.get(0)).getCluster(null).getLeader());
        System.out.println("Kill the leader now, if you like, and press Enter.");
        new BufferedReader(new InputStreamReader(System.in)).readLine();

        TransactionReceipt again = write(keyOfRows, rows);
        boolean same = again.getTransactionId().equals(receipt.getTransactionId())
            && again.getIndex().equals(receipt.getIndex());
        System.out.println("the rows sent again: " + (same ? "the same transaction" : "another transaction"));
        TransactionReceipt last = deposit(2, 2);
        QueryAnswer answer = read(new QueryRequest().sql("SELECT balance, version FROM account WHERE id = :id")
            .params(Map.of("id", 1)).consistency(Consistency.LOCAL).minIndex(last.getIndex()).shape(Shape.OBJECTS));
        Map<?, ?> found = (Map<?, ?>) answer.getRows().get(0);
        System.out.println("after it: " + found.get("balance") + " in version " + found.get("version"));
    }
}
