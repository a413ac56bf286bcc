// Quorate from TypeScript, with the client generated from openapi.yaml. Its arguments are the URLs of all nodes.
// JavaScript's numbers lose digits above 2^53, so large integers travel as strings: `integers: 'string'` for results,
// and { integer: '...' } for parameters.
import { randomUUID } from 'node:crypto';
import { createInterface } from 'node:readline/promises';
import { Readable } from 'node:stream';

import { ClusterApi, Configuration, DataApi, ResponseError } from 'quorate-client';
import type { Problem, QueryAnswer, QueryRequest, Statement, TransactionReceipt } from 'quorate-client';

const patienceMs = 60_000;
const nodes = process.argv.slice(2).map((url) => new Configuration({ basePath: url }));

// The result of `call(node)` on the first node that can answer: the others may be down, or without a leader.
async function onSomeNode<T>(call: (node: Configuration) => Promise<T>): Promise<T> {
  for (const deadline = Date.now() + patienceMs; ; await new Promise((resolve) => setTimeout(resolve, 100))) {
    for (const node of nodes) {
      try {
        return await call(node);
      } catch (error) {
        const answered = error instanceof ResponseError && error.response.status !== 503;
        if (answered || Date.now() > deadline) throw error;
      }
    }
  }
}

// One transaction. Its key makes it happen once, on however many nodes it is tried.
function write(statements: Statement[], idempotencyKey: string = randomUUID()): Promise<TransactionReceipt> {
  return onSomeNode((node) =>
    new DataApi(node).postTransaction({ transactionRequest: { statements }, idempotencyKey }));
}

function read(queryRequest: QueryRequest): Promise<QueryAnswer> {
  return onSomeNode((node) => new DataApi(node).postQuery({ queryRequest, integers: 'string' }));
}

// The rows of a result of any size, one by one. Fails if the stream is cut before it is complete.
async function* stream(sql: string): AsyncGenerator<Record<string, any>> {
  const headers = { Accept: 'application/x-ndjson', 'Content-Type': 'application/json' };
  const { raw } = await onSomeNode((node) =>
    new DataApi(node).postQueryRaw({ queryRequest: { sql }, integers: 'string' }, { headers }));
  let columns: string[] | undefined;
  let count = 0;
  for await (const text of createInterface({ input: Readable.from(raw.body!) })) {
    const line = JSON.parse(text);
    if (!columns) {
      columns = line.columns as string[];
    } else if (Array.isArray(line)) {
      count++;
      yield Object.fromEntries(columns.map((column, i) => [column, line[i]]));
    } else if (line.rows === count) {
      return;
    } else {
      throw new Error(`cut after ${count} rows: ${text}`);
    }
  }
  throw new Error(`cut after ${count} rows`);
}

// Null if somebody else has changed the row since this version of it was read.
async function deposit(amount: number, version: number): Promise<TransactionReceipt | null> {
  try {
    return await write([{
      sql: 'UPDATE account SET balance = balance + ?, version = version + 1 WHERE id = 1 AND version = ?',
      params: [amount, version],
    }]);
  } catch (error) {
    if (!(error instanceof ResponseError)) throw error;
    const problem: Problem = await error.response.json();
    if (problem.code === 'version_conflict') return null;
    throw error;
  }
}

await write([{
  sql: 'CREATE TABLE account (id INTEGER PRIMARY KEY, owner TEXT, balance INTEGER, rate REAL, photo BLOB, version INTEGER)',
}]);
const rows: Statement[] = [
  {
    sql: 'INSERT INTO account VALUES (:id, :owner, :balance, :rate, :photo, 1)',
    params: { id: 1, owner: 'Ada', balance: { integer: '9007199254740993' }, rate: 0.5, photo: { base64: 'AAEC' } },
  },
  { sql: 'INSERT INTO account VALUES (?, ?, ?, ?, ?, 1)', params: [2, 'Grace', 50, null, null] },
];
const keyOfRows = randomUUID();
const receipt = await write(rows, keyOfRows);
console.log('inserted', receipt.results.reduce((sum, result) => sum + result.rowsAffected, 0));

console.log('first deposit', (await deposit(30, 1)) ? 'done' : 'refused');
console.log('the same again', (await deposit(30, 1)) ? 'done' : 'refused');
const all = await read({ sql: 'SELECT id, owner, balance, rate, photo FROM account ORDER BY id' });
for (const row of all.rows) console.log(row.map((value: unknown) => JSON.stringify(value)).join(' | '));

await write([
  { sql: 'CREATE TABLE square (side INTEGER PRIMARY KEY, area INTEGER)' },
  {
    sql: 'INSERT INTO square WITH RECURSIVE n(side) AS (VALUES (1) UNION ALL SELECT side + 1 FROM n WHERE side < ?) '
      + 'SELECT side, side * side FROM n',
    params: [20_000],
  },
]);
let count = 0;
let area = 0n;
for await (const square of stream('SELECT side, area FROM square')) {
  count++;
  area += BigInt(square.area);
}
console.log(`streamed ${count} squares with an area of ${area}`);

console.log('leader', (await new ClusterApi(nodes[0]).getCluster()).leader);
const terminal = createInterface({ input: process.stdin, output: process.stdout });
await terminal.question('Kill the leader now, if you like, and press Enter.\n');
terminal.close();

const again = await write(rows, keyOfRows);
const same = again.transactionId === receipt.transactionId && again.index === receipt.index;
console.log('the rows sent again:', same ? 'the same transaction' : 'another transaction');
const last = await deposit(2, 2);
const answer = await read({
  sql: 'SELECT balance, version FROM account WHERE id = :id',
  params: { id: 1 },
  consistency: 'local',
  minIndex: last!.index,
  shape: 'objects',
});
console.log('after it:', answer.rows[0].balance, 'in version', answer.rows[0].version);
