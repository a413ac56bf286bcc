"""Is there an order of one register's operations that explains what every client saw?

The search of Wing and Gong ("Testing and verifying concurrent objects", 1993) with the memory of visited states of Lowe
("Testing for linearizability", 2017), for a register that holds a value and a version: a write makes the next version.

What keeps it short:
- A read that fits the present state is placed at once: it changes nothing, so to wait with it never helps.
- A write whose resulting version is known can only be the one that makes that version, and no other can.
- A write of unknown outcome whose value nobody ever saw is only good for filling a version that nobody saw either. All
  such writes do the same, so the one that began first is taken. A compare-and-set that fits only this version is
  preferred to a plain write, which also fits later ones.
"""

import dataclasses

INFINITY = float("inf")
DEFAULT_STATE_LIMIT = 500_000

LINEARIZABLE, NOT_LINEARIZABLE, UNDECIDED = "linearizable", "not linearizable", "undecided"
UNSEEN = object()  # the value of a register after a write that nobody saw


@dataclasses.dataclass(slots=True)
class Step:
    """An operation as the search sees it. Those that must have happened are `required`."""

    invoke: float
    complete: float           # INFINITY when it is not known by when it took effect
    is_write: bool
    value: object
    version: int | None = None            # after a write, or seen by a read; None when not known
    expected_version: int | None = None   # of a compare-and-set
    required: bool = True
    source: object = None                 # what to show to people


@dataclasses.dataclass(slots=True)
class Outcome:
    verdict: str
    states: int
    explanation: str = ""
    blocked: list = dataclasses.field(default_factory=list)  # steps that fit nowhere after the longest order found


def search(steps, value, version, state_limit=DEFAULT_STATE_LIMIT):
    """Looks for an order that begins with `value` and `version`, respects real time and places every required step.

    A result of UNDECIDED means that `state_limit` states were visited without an answer.
    """
    try:
        return _Search(steps, state_limit).run(value, version)
    except _SameVersion as clash:
        return Outcome(NOT_LINEARIZABLE, 0, str(clash), list(clash.steps))


class _SameVersion(Exception):
    def __init__(self, version, first, second):
        super().__init__(f"two writes made version {version}")
        self.steps = (first, second)


class _Search:
    def __init__(self, steps, state_limit):
        self.state_limit = state_limit
        self.required = sorted((s for s in steps if s.required), key=lambda s: (s.invoke, s.complete))
        optional = sorted((s for s in steps if not s.required), key=lambda s: s.invoke)
        self.fillers = [s for s in optional if s.expected_version is None]
        self.exact_fillers = {}
        for step in optional:
            if step.expected_version is not None:
                self.exact_fillers.setdefault(step.expected_version, step)
        self.claims = {}
        for step in self.required:
            if step.is_write and step.version is not None:
                other = self.claims.setdefault(step.version, step)
                if other is not step:
                    raise _SameVersion(step.version, other, step)

    def run(self, value, version):
        done, first, version, value = self._place_reads(0, 0, version, value)
        stack = [(done, first, 0, version, value)]
        visited = set()
        longest = (-1, None)
        everything = (1 << len(self.required)) - 1
        while stack:
            state = stack.pop()
            done, first, used, version, value = state
            if done == everything:
                return Outcome(LINEARIZABLE, len(visited))
            identity = (done, used, version, value)
            if identity in visited:
                continue
            visited.add(identity)
            if len(visited) > self.state_limit:
                return Outcome(UNDECIDED, len(visited), f"more than {self.state_limit} states")
            placed = done.bit_count()
            if placed > longest[0]:
                longest = (placed, state)
            stack.extend(self._next_states(*state))
        return self._explain(longest[1], len(visited))

    def _available(self, done, first):
        """The required steps that may come next, and the time by which the next one must begin: no step may come after
        one that began when it had already ended."""
        available = []
        latest = INFINITY
        for number in range(first, len(self.required)):
            step = self.required[number]
            if step.invoke > latest:
                break
            if not done >> number & 1:
                available.append(number)
                latest = min(latest, step.complete)
        return available, latest

    def _place_reads(self, done, first, version, value):
        """Places every read that fits the present state, and moves `first` to the first step that is not placed."""
        placed = True
        while placed:
            placed = False
            for number in self._available(done, first)[0]:
                step = self.required[number]
                if not step.is_write and step.value == value and step.version in (None, version):
                    done |= 1 << number
                    placed = True
            while done >> first & 1:
                first += 1
        return done, first, version, value

    def _next_states(self, done, first, used, version, value):
        available, latest = self._available(done, first)
        claimed_by = self.claims.get(version + 1)
        states = []
        if claimed_by is None:  # pushed first, so tried last: only where no seen write leads on
            states.extend(self._fill(done, first, used, version, latest))
        for number in available:
            step = self.required[number]
            if not step.is_write or (claimed_by is not None and step is not claimed_by):
                continue
            if claimed_by is None and step.version is not None:
                continue
            if step.expected_version not in (None, version):
                continue
            placed = self._place_reads(done | 1 << number, first, version + 1, step.value)
            states.append((placed[0], placed[1], used, placed[2], placed[3]))
        return states

    def _fill(self, done, first, used, version, latest):
        exact = self.exact_fillers.get(version)
        if exact is not None and exact.invoke <= latest:
            yield (done, first, used, version + 1, UNSEEN)
        elif used < len(self.fillers) and self.fillers[used].invoke <= latest:
            yield (done, first, used + 1, version + 1, UNSEEN)

    def _explain(self, state, states):
        done, first, _, version, value = state
        shown = "of a write that nobody saw" if value is UNSEEN else value
        blocked = [self.required[number] for number in self._available(done, first)[0]]
        return Outcome(NOT_LINEARIZABLE, states,
                       f"no order explains it; the longest one ends with {done.bit_count()} of {len(self.required)} "
                       f"operations placed, at version {version}, value {shown}", blocked)
