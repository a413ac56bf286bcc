// Quorate from Go, with the client generated from openapi.yaml. Its arguments are the URLs of all nodes.
//
// The generated client decodes JSON numbers of unknown type to float64, which loses digits above 2^53. Queries that may
// return larger integers therefore ask for strings: Integers("string").
package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"time"

	"quorate"
)

const patience = 60 * time.Second

var nodes []*quorate.APIClient

// Calls `call` on the nodes in turn until one can answer: the others may be down, or without a leader.
func onSomeNode[T any](call func(*quorate.APIClient) (T, error)) (T, error) {
	for deadline := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		for _, node := range nodes {
			result, err := call(node)
			if problem := problemOf(err); err == nil || (problem != nil && problem.Status != 503) || time.Now().After(deadline) {
				return result, err
			}
		}
	}
}

// What the server says is wrong; nil when there is no error, or no answer.
func problemOf(err error) *quorate.Problem {
	if answered, ok := err.(*quorate.GenericOpenAPIError); ok {
		if problem, ok := answered.Model().(quorate.Problem); ok {
			return &problem
		}
	}
	return nil
}

func statement(sql string, params any) quorate.Statement {
	s := quorate.NewStatement(sql)
	s.Params = params
	return *s
}

func newKey() string {
	bytes := make([]byte, 16)
	_, err := rand.Read(bytes)
	must(err)
	return fmt.Sprintf("%x", bytes)
}

// One transaction. Its key makes it happen once, on however many nodes it is tried.
func write(key string, statements ...quorate.Statement) (*quorate.TransactionReceipt, error) {
	return onSomeNode(func(node *quorate.APIClient) (*quorate.TransactionReceipt, error) {
		request := *quorate.NewTransactionRequest(statements)
		receipt, _, err := node.DataAPI.PostTransaction(context.Background()).IdempotencyKey(key).
			TransactionRequest(request).Execute()
		return receipt, err
	})
}

func read(request quorate.QueryRequest) *quorate.QueryAnswer {
	answer, err := onSomeNode(func(node *quorate.APIClient) (*quorate.QueryAnswer, error) {
		answer, _, err := node.DataAPI.PostQuery(context.Background()).Integers("string").QueryRequest(request).Execute()
		return answer, err
	})
	must(err)
	return answer
}

// Asks a node for a result as a stream. The generated client would read all of it before returning, so this is a plain
// request to the same server.
func openStream(node *quorate.APIClient, sql string) (*http.Response, error) {
	body, err := json.Marshal(quorate.NewQueryRequest(sql))
	must(err)
	configuration := node.GetConfig()
	request, err := http.NewRequest("POST", configuration.Servers[0].URL+"/v1/query", bytes.NewReader(body))
	must(err)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "application/x-ndjson")
	response, err := configuration.HTTPClient.Do(request)
	if err == nil && response.StatusCode == http.StatusServiceUnavailable {
		response.Body.Close()
		err = errors.New(response.Status)
	}
	return response, err
}

// Calls `use` with the rows of a result of any size, one by one. Fails if the stream is cut before it is complete.
func stream(sql string, use func(row map[string]any)) error {
	response, err := onSomeNode(func(node *quorate.APIClient) (*http.Response, error) { return openStream(node, sql) })
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return errors.New(response.Status)
	}

	lines := json.NewDecoder(response.Body)
	lines.UseNumber() // keeps all digits of integers
	var first struct{ Columns []string }
	if err := lines.Decode(&first); err != nil {
		return err
	}
	for count := 0; ; count++ {
		var line any
		if err := lines.Decode(&line); err != nil {
			return fmt.Errorf("cut after %d rows: %w", count, err)
		}
		values, ok := line.([]any)
		if !ok { // the end, or the problem for which the stream was cut
			if end := line.(map[string]any); end["rows"] != json.Number(fmt.Sprint(count)) {
				return fmt.Errorf("cut after %d rows: %v", count, end)
			}
			return nil
		}
		row := map[string]any{}
		for i, column := range first.Columns {
			row[column] = values[i]
		}
		use(row)
	}
}

// Nil if somebody else has changed the row since this version of it was read.
func deposit(amount, version int64) *quorate.TransactionReceipt {
	receipt, err := write(newKey(), statement("UPDATE account SET balance = balance + ?, version = version + 1 "+
		"WHERE id = 1 AND version = ?", []any{amount, version}))
	if problem := problemOf(err); problem != nil && problem.Code == "version_conflict" {
		return nil
	}
	must(err)
	return receipt
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func describe(receipt *quorate.TransactionReceipt) string {
	if receipt == nil {
		return "refused"
	}
	return "done"
}

func main() {
	for _, url := range os.Args[1:] {
		configuration := quorate.NewConfiguration()
		configuration.Servers = quorate.ServerConfigurations{{URL: url}}
		nodes = append(nodes, quorate.NewAPIClient(configuration))
	}

	_, err := write(newKey(), statement("CREATE TABLE account "+
		"(id INTEGER PRIMARY KEY, owner TEXT, balance INTEGER, rate REAL, photo BLOB, version INTEGER)", nil))
	must(err)
	rows := []quorate.Statement{
		statement("INSERT INTO account VALUES (:id, :owner, :balance, :rate, :photo, 1)", map[string]any{
			"id": 1, "owner": "Ada", "balance": int64(1)<<53 + 1, "rate": 0.5, "photo": quorate.NewBase64Value("AAEC")}),
		statement("INSERT INTO account VALUES (?, ?, ?, ?, ?, 1)", []any{2, "Grace", 50, nil, nil}),
	}
	keyOfRows := newKey()
	receipt, err := write(keyOfRows, rows...)
	must(err)
	fmt.Println("inserted", receipt.Results[0].RowsAffected+receipt.Results[1].RowsAffected)

	fmt.Println("first deposit", describe(deposit(30, 1)))
	fmt.Println("the same again", describe(deposit(30, 1)))
	for _, row := range read(*quorate.NewQueryRequest("SELECT id, owner, balance, rate, photo FROM account ORDER BY id")).Rows {
		fmt.Println(row.([]any)...)
	}

	_, err = write(newKey(),
		statement("CREATE TABLE square (side INTEGER PRIMARY KEY, area INTEGER)", nil),
		statement("INSERT INTO square WITH RECURSIVE n(side) AS (VALUES (1) UNION ALL SELECT side + 1 FROM n WHERE side < ?) "+
			"SELECT side, side * side FROM n", []any{20_000}))
	must(err)
	var count, area int64
	must(stream("SELECT side, area FROM square", func(square map[string]any) {
		number, err := square["area"].(json.Number).Int64()
		must(err)
		count++
		area += number
	}))
	fmt.Println("streamed", count, "squares with an area of", area)

	cluster, _, err := nodes[0].ClusterAPI.GetCluster(context.Background()).Execute()
	must(err)
	fmt.Println("leader", cluster.GetLeader())
	fmt.Println("Kill the leader now, if you like, and press Enter.")
	_, _ = bufio.NewReader(os.Stdin).ReadString('\n')

	again, err := write(keyOfRows, rows...)
	must(err)
	if again.TransactionId == receipt.TransactionId && again.Index == receipt.Index {
		fmt.Println("the rows sent again: the same transaction")
	}
	last := deposit(2, 2)
	query := quorate.NewQueryRequest("SELECT balance, version FROM account WHERE id = :id")
	query.Params = map[string]any{"id": 1}
	query.SetConsistency(quorate.LOCAL)
	query.SetMinIndex(last.Index)
	query.SetShape(quorate.OBJECTS)
	found := read(*query).Rows[0].(map[string]any)
	fmt.Println("after it:", found["balance"], "in version", found["version"])
}
