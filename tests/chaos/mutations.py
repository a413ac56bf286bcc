"""Changes that make a good history into one that no correct system can produce. Each takes a source of chance and the
operations, changes them in place, and returns False when the history has no place for it."""

from . import history
from .history import FAIL, OK, UNKNOWN

def pick(rng, operations, kind, wanted=lambda op: True):
    found = [op for op in operations if op.kind == kind and wanted(op)]
    return rng.choice(found) if found else None


def is_acknowledged(op):
    return op.outcome == OK


def finals(operations):
    return [op for op in operations if op.kind == history.FINAL_READ]


def without_indexes(operations):
    """Also without versions of writes: only the search and the rules on content are left."""
    for op in operations:
        op.index = None
        op.arguments.pop("min_index", None)
    return operations


def stale_register_read(rng, operations):
    """A linearizable read returns what was there before a write that was acknowledged before it began."""
    read = pick(rng, operations, history.REGISTER_READ, lambda op: op.is_linearizable_read and op.result["version"] > 0)
    if read is None:
        return False
    value, version = 0, 0
    acknowledged = [op for op in operations if op.key == read.key and op.outcome == OK
                    and op.kind in (history.REGISTER_WRITE, history.REGISTER_CAS) and op.complete_ns < read.invoke_ns]
    read.result.update(value=value, version=version)
    return bool(acknowledged)


def lost_register_write(rng, operations):
    """The last acknowledged write of a register is gone at the end."""
    write = pick(rng, operations, history.REGISTER_WRITE, is_acknowledged)
    if write is None:
        return False
    for final in finals(operations):
        for row in final.result["registers"]:
            if row[0] == write.key:
                row[1:] = [0, 0]
    return True


def lost_update(rng, operations):
    """Two acknowledged writes made the same version."""
    write = pick(rng, operations, history.REGISTER_WRITE, lambda op: is_acknowledged(op) and op.result["version"] > 1)
    if write is None:
        return False
    other = [op for op in operations if op.key == write.key and op.outcome == OK
             and op.result.get("version") == write.result["version"] - 1
             and op.kind in (history.REGISTER_WRITE, history.REGISTER_CAS)]
    write.result["version"] -= 1
    return bool(other)


def phantom_value(rng, operations):
    read = pick(rng, operations, history.REGISTER_READ, is_acknowledged)
    if read is None:
        return False
    read.result["value"] = 999_999
    return True


def seen_values(operations):
    """Values of registers, elements of lists and transfers that somebody read."""
    seen = {("register", op.result["value"]) for op in operations
            if op.kind == history.REGISTER_READ and op.outcome == OK}
    for op in operations:
        if op.kind == history.LIST_READ and op.outcome == OK:
            seen |= {("list", value) for value in op.result["elements"]}
        if op.kind == history.FINAL_READ:
            seen |= {("list", value) for _, value in op.result["lists"]}
            seen |= {("register", value) for _, value, _ in op.result["registers"]}
            seen |= {("transfer", number) for number in op.result["transfers"]}
    return seen


def not_applied_appears(rng, operations):
    """A write that was seen is said to have had no effect."""
    seen = seen_values(operations)
    names = {history.REGISTER_WRITE: "register", history.LIST_APPEND: "list", history.TRANSFER: "transfer"}
    candidates = [op for op in operations if op.kind in names and op.outcome in (OK, UNKNOWN)
                  and (names[op.kind], op.arguments.get("value", op.arguments.get("id"))) in seen]
    if not candidates:
        return False
    write = rng.choice(candidates)
    write.outcome, write.result, write.index = FAIL, {}, None
    return True


def read_from_the_future(rng, operations):
    """A write begins only after somebody has read it."""
    read = pick(rng, operations, history.REGISTER_READ, lambda op: is_acknowledged(op) and op.result["value"] != 0)
    if read is None:
        return False
    write = next(op for op in operations if op.arguments.get("value") == read.result["value"])
    length = write.complete_ns - write.invoke_ns
    write.invoke_ns = read.complete_ns + 1
    write.complete_ns = write.invoke_ns + length
    return True


def reordered_reads(rng, operations):
    """Two linearizable reads, one after the other, see a register's states in the wrong order."""
    reads = [op for op in operations if op.kind == history.REGISTER_READ and op.is_linearizable_read]
    pairs = [(a, b) for a in reads for b in reads if a.key == b.key and a.complete_ns < b.invoke_ns
             and a.result["version"] < b.result["version"]]
    if not pairs:
        return False
    first, second = rng.choice(pairs)
    first.result, second.result = second.result, first.result
    first.index, second.index = second.index, first.index
    return True


def failed_compare_and_set_applied(rng, operations):
    """A compare-and-set succeeds on another version than it asked for."""
    write = pick(rng, operations, history.REGISTER_CAS, lambda op: is_acknowledged(op) and op.result["version"] > 1)
    if write is None:
        return False
    write.arguments["expected_version"] -= 1
    return True


def torn_transfer(rng, operations):
    """A read sees half of a transfer."""
    read = pick(rng, operations, history.BANK_READ, is_acknowledged)
    if read is None:
        return False
    rng.choice(read.result["balances"])[1] -= 7
    return True


def lost_transfer(rng, operations):
    transfer = pick(rng, operations, history.TRANSFER, is_acknowledged)
    if transfer is None:
        return False
    for final in finals(operations):
        final.result["transfers"].remove(transfer.arguments["id"])
        for row in final.result["accounts"]:
            row[1] += transfer.arguments["amount"] * ((row[0] == transfer.arguments["source"])
                                                      - (row[0] == transfer.arguments["target"]))
    return True


def doubled_transfer(rng, operations):
    """A retry was applied again; the accounts say so too."""
    transfer = pick(rng, operations, history.TRANSFER, is_acknowledged)
    if transfer is None:
        return False
    for final in finals(operations):
        final.result["transfers"].append(transfer.arguments["id"])
        for row in final.result["accounts"]:
            row[1] -= transfer.arguments["amount"] * ((row[0] == transfer.arguments["source"])
                                                      - (row[0] == transfer.arguments["target"]))
    return True


def unbalanced_accounts(rng, operations):
    """The total holds, but it is not what the transfers add up to."""
    for final in finals(operations):
        final.result["accounts"][0][1] += 5
        final.result["accounts"][1][1] -= 5
    return True


def list_read(rng, operations, length, linearizable=False):
    return pick(rng, operations, history.LIST_READ,
                lambda op: is_acknowledged(op) and len(op.result["elements"]) >= length
                and (op.is_linearizable_read or not linearizable))


def duplicate_append(rng, operations):
    append = pick(rng, operations, history.LIST_APPEND, is_acknowledged)
    if append is None:
        return False
    for final in finals(operations):
        final.result["lists"].append([append.key, append.arguments["value"]])
    return True


def lost_append(rng, operations):
    append = pick(rng, operations, history.LIST_APPEND, is_acknowledged)
    if append is None:
        return False
    for final in finals(operations):
        final.result["lists"].remove([append.key, append.arguments["value"]])
    return True


def swapped_elements(rng, operations):
    read = list_read(rng, operations, 2)
    if read is None:
        return False
    elements = read.result["elements"]
    at = rng.randrange(len(elements) - 1)
    elements[at], elements[at + 1] = elements[at + 1], elements[at]
    return True


def hole_in_list(rng, operations):
    read = list_read(rng, operations, 2)
    if read is None:
        return False
    del read.result["elements"][rng.randrange(len(read.result["elements"]) - 1)]
    return True


def stale_list_read(rng, operations):
    read = list_read(rng, operations, 1, linearizable=True)
    if read is None:
        return False
    last = read.result["elements"].pop()
    append = next(op for op in operations if op.kind == history.LIST_APPEND and op.arguments["value"] == last)
    return append.outcome == OK and append.complete_ns < read.invoke_ns


def append_did_not_see_the_one_before(rng, operations):
    """Two appends read the same list: one of them overwrote the other's place."""
    append = pick(rng, operations, history.LIST_APPEND, lambda op: is_acknowledged(op) and op.result["elements"])
    if append is None:
        return False
    append.result["elements"].pop()
    return True


def one_node_differs(rng, operations):
    rows = finals(operations)[2].result["lists"]
    if not rows:
        return False
    rows.pop()
    return True


MUTATIONS = [stale_register_read, lost_register_write, lost_update, phantom_value, not_applied_appears,
             read_from_the_future, reordered_reads, failed_compare_and_set_applied, torn_transfer, lost_transfer,
             doubled_transfer, unbalanced_accounts, duplicate_append, lost_append, swapped_elements, hole_in_list,
             stale_list_read, append_did_not_see_the_one_before, one_node_differs]
