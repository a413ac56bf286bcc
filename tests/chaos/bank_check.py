"""Checks the bank: money only moves, and the ledger has each transfer that was acknowledged, once."""

import collections

from . import history
from .history import FAIL, OK


def check_bank(operations, final_reads, findings):
    """`final_reads` have accounts and transfers. The number of accounts and their first balance come from SETUP."""
    setup = next((op for op in operations if op.kind == history.SETUP), None)
    if setup is None:
        return
    accounts, balance = setup.arguments["accounts"], setup.arguments["balance"]
    for op in operations:
        if op.kind == history.BANK_READ and op.outcome == OK:
            check_total(op, op.result["balances"], accounts, balance, findings)
    transfers = {op.arguments["id"]: op for op in operations if op.kind == history.TRANSFER}
    for read in final_reads:
        check_total(read, read.result["accounts"], accounts, balance, findings)
        check_ledger(read, transfers, accounts, balance, findings)


def check_total(read, balances, accounts, balance, findings):
    total = sum(amount for _, amount in balances)
    if total != accounts * balance or len(balances) != accounts:
        findings.add("bank total", f"{len(balances)} accounts hold {total} instead of {accounts * balance}", read)
    if any(amount < 0 for _, amount in balances):
        findings.add("bank total", "an account is below 0", read)


def check_ledger(read, transfers, accounts, balance, findings):
    counts = collections.Counter(read.result["transfers"])
    expected = dict.fromkeys(range(1, accounts + 1), balance)
    for number, count in counts.items():
        transfer = transfers.get(number)
        if transfer is None:
            findings.add("phantom", f"the ledger of {read.process} has transfer {number}, which nobody asked for", read)
            continue
        if transfer.outcome == FAIL:
            findings.add("not_applied is visible", f"transfer {number} was answered not_applied and is in the ledger",
                         transfer, read)
        if count > 1:
            findings.add("applied twice", f"transfer {number} is {count} times in the ledger", transfer, read)
        expected[transfer.arguments["source"]] -= count * transfer.arguments["amount"]
        expected[transfer.arguments["target"]] += count * transfer.arguments["amount"]
    for number, transfer in transfers.items():
        if transfer.outcome == OK and number not in counts:
            findings.add("lost", f"transfer {number} was acknowledged and is not in the ledger of {read.process}",
                         transfer, read)
    if expected != {account: amount for account, amount in read.result["accounts"]}:
        findings.add("bank ledger", f"the accounts of {read.process} are not what its ledger adds up to: "
                     f"{read.result['accounts']} instead of {expected}", read)
