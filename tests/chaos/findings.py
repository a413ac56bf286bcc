"""What a check has to say about a history."""

import dataclasses

MAX_SHOWN_OPERATIONS = 6


@dataclasses.dataclass(slots=True)
class Violation:
    """A promise that was not kept: a short name of the rule, what happened, and the operations that show it."""

    rule: str
    text: str
    operations: list = dataclasses.field(default_factory=list)

    def __str__(self):
        shown = [operation.describe() for operation in self.operations[:MAX_SHOWN_OPERATIONS]]
        if len(self.operations) > MAX_SHOWN_OPERATIONS:
            shown.append(f"and {len(self.operations) - MAX_SHOWN_OPERATIONS} more")
        return "\n    ".join([f"{self.rule}: {self.text}", *shown])


@dataclasses.dataclass(slots=True)
class Findings:
    """The verdict. `undecided` names what could not be checked within its limit, which is no success."""

    violations: list = dataclasses.field(default_factory=list)
    undecided: list = dataclasses.field(default_factory=list)
    notes: list = dataclasses.field(default_factory=list)  # what was checked, in numbers

    @property
    def passed(self):
        return not self.violations and not self.undecided

    @property
    def verdict(self):
        if self.violations:
            return "VIOLATION"
        return "UNDECIDED" if self.undecided else "ok"

    def add(self, rule, text, *operations):
        self.violations.append(Violation(rule, text, [operation for operation in operations if operation is not None]))

    def rules(self):
        return {violation.rule for violation in self.violations}
