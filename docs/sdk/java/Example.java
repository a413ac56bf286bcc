import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.UUID;
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
