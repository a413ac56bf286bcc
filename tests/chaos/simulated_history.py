"""Histories of a system that keeps its promises, for testing the checker: clients that overlap in simulated time, each
operation taking effect at one moment between its begin and its end, some with an outcome that the client never
learns."""

import heapq
import random

from . import history
from .history import FAIL, OK, UNKNOWN, Operation

ACCOUNTS, BALANCE = 5, 100
CLIENTS = 6
LOST_ANSWERS = 0.1   # of all writes
LATE_EFFECT_NS = 5_000


class SimulatedCluster:
    """The state, which only atomic operations change. Every write makes the next index."""

    def __init__(self, seed, registers=2, lists=2):
        self.random = random.Random(seed)
        self.registers = {key: (0, 0) for key in range(1, registers + 1)}
        self.lists = {key: [] for key in range(1, lists + 1)}
        self.accounts = dict.fromkeys(range(1, ACCOUNTS + 1), BALANCE)
        self.transfers = []
        self.index = 1
        self.next_value = 1

    def choose(self):
        """The kind and the arguments of a new operation."""
        rng = self.random
        self.next_value += 1
        consistency = {"consistency": rng.choice(["linearizable", "linearizable", "local"])}
        register, element_list = rng.choice(list(self.registers)), rng.choice(list(self.lists))
        source, target = rng.sample(range(1, ACCOUNTS + 1), 2)
        return rng.choice([
            (history.REGISTER_WRITE, {"key": register, "value": self.next_value}),
            (history.REGISTER_CAS, {"key": register, "value": self.next_value,
                                    "expected_version": self.registers[register][1]}),
            (history.REGISTER_READ, {"key": register, **consistency}),
            (history.TRANSFER, {"id": self.next_value, "source": source, "target": target,
                                "amount": rng.randint(1, 60)}),
            (history.BANK_READ, consistency),
            (history.LIST_APPEND, {"key": element_list, "value": self.next_value}),
            (history.LIST_READ, {"key": element_list, **consistency}),
        ])

    def apply(self, op):
        """Takes effect. Returns (outcome, result)."""
        arguments, key = op.arguments, op.key
        if op.kind == history.REGISTER_READ:
            return OK, dict(zip(("value", "version"), self.registers[key]))
        if op.kind == history.BANK_READ:
            return OK, {"balances": [list(item) for item in self.accounts.items()]}
        if op.kind == history.LIST_READ:
            return OK, {"elements": list(self.lists[key])}
        result = {}
        if op.kind == history.TRANSFER:
            if self.accounts[arguments["source"]] < arguments["amount"]:
                return FAIL, {}
            self.accounts[arguments["source"]] -= arguments["amount"]
            self.accounts[arguments["target"]] += arguments["amount"]
            self.transfers.append(arguments["id"])
        elif op.kind == history.LIST_APPEND:
            result = {"elements": list(self.lists[key])}
            self.lists[key].append(arguments["value"])
        else:
            version = self.registers[key][1]
            if arguments.get("expected_version", version) != version:
                return FAIL, {}
            self.registers[key] = (arguments["value"], version + 1)
            result = {"version": version + 1}
        self.index += 1
        return OK, result

    def final_read(self, process, now):
        result = {"registers": [[key, *state] for key, state in self.registers.items()],
                  "accounts": [list(item) for item in self.accounts.items()], "transfers": list(self.transfers),
                  "lists": [[key, value] for key, values in self.lists.items() for value in values]}
        return Operation(history.FINAL_READ, -1, process, {}, now, now + 1, OK, self.index, None, result)


def simulate(seed, operations=150, **sizes):
    """A good history of so many operations, with readings of the final state on three nodes at its end."""
    cluster = SimulatedCluster(seed, **sizes)
    rng = cluster.random
    done = [Operation(history.SETUP, -1, "n1", {"accounts": ACCOUNTS, "balance": BALANCE}, 0, 1, OK, 1)]
    events = [(rng.randint(2, 100), number, "begin", number, None) for number in range(CLIENTS)]
    heapq.heapify(events)
    begun = sequence = 0
    now = 0
    while events:
        now, _, what, client, op = heapq.heappop(events)
        sequence += 1
        if what == "begin" and begun < operations:
            begun += 1
            kind, arguments = cluster.choose()
            op = Operation(kind, client, rng.choice(["n1", "n2", "n3"]), arguments, now, 0, OK)
            end = now + rng.randint(2, 300)
            is_lost = kind in history.WRITES and rng.random() < LOST_ANSWERS
            if is_lost:
                op.outcome, op.complete_ns = UNKNOWN, end
                done.append(op)
                if rng.random() < 0.5:
                    effect = rng.randint(now + 1, end + LATE_EFFECT_NS)
                    heapq.heappush(events, (effect, CLIENTS + sequence, "lost effect", client, op))
                heapq.heappush(events, (end + 1, CLIENTS + sequence, "begin", client, None))
            else:
                op.complete_ns = end
                heapq.heappush(events, (rng.randint(now + 1, end - 1), CLIENTS + sequence, "effect", client, op))
        elif what in ("effect", "lost effect"):
            outcome, result = cluster.apply(op)
            if what == "effect":
                op.outcome, op.result = outcome, result
                op.index = cluster.index if outcome == OK else None
                done.append(op)
                heapq.heappush(events, (op.complete_ns + 1, CLIENTS + sequence, "begin", client, None))
    done.extend(cluster.final_read(process, now + 10_000) for process in ("n1", "n2", "n3"))
    return done
