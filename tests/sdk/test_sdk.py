"""Clients generated from openapi.yaml are worth using: in each language, the example of docs/sdk compiles, and does its
work on a cluster whose leader dies in the middle."""

import subprocess

import languages
import pytest

EXAMPLE_TIMEOUT_S = 120
SQUARES = 20_000  # the rows that each example streams
EXACT = 2**53 + 1  # the first integer that a double cannot hold

# How each language prints the row of mixed values, and the one with NULLs.
ROWS = {
    "typescript": [f'"1" | "Ada" | "{EXACT + 30}" | 0.5 | {{"base64":"AAEC"}}', '"2" | "Grace" | "50" | null | null'],
    "python": [f"1 | Ada | {EXACT + 30} | 0.5 | {{'base64': 'AAEC'}}", "2 | Grace | 50 | None | None"],
    "go": [f"1 Ada {EXACT + 30} 0.5 map[base64:AAEC]", "2 Grace 50 <nil> <nil>"],
    "java": [f"[1, Ada, {EXACT + 30}, 0.5, {{base64=AAEC}}]", "[2, Grace, 50, null, null]"],
}


class Example:
    """The running example: its output line by line, and its terminal."""

    def __init__(self, command, cluster):
        self.process = subprocess.Popen([*command, *(node.url for node in cluster)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()

    def lines_until(self, beginning):
        lines = []
        while not lines or not lines[-1].startswith(beginning):
            line = self.process.stdout.readline()
            assert line, f"{lines}\n{self.process.communicate()[1]}"
            lines.append(line.rstrip("\n"))
        return lines

    def press_enter(self):
        output, errors = self.process.communicate("\n", timeout=EXAMPLE_TIMEOUT_S)
        assert self.process.returncode == 0, output + errors
        return output.splitlines()


@pytest.mark.parametrize("language", sorted(languages.GENERATORS))
def test_the_example_works_and_survives_the_loss_of_the_leader(language, cluster):
    command = languages.build(language)
    with Example(command, cluster) as example:
        before = example.lines_until("Kill the leader")
        area = sum(side * side for side in range(1, SQUARES + 1))
        assert before[:-2] == ["inserted 2", "first deposit done", "the same again refused", *ROWS[language],
                               f"streamed {SQUARES} squares with an area of {area}"]
        leader = cluster.leader()
        assert before[-2] == f"leader {leader.name}"
        leader.kill()
        after = [line for line in example.press_enter() if line]
        assert after == ["the rows sent again: the same transaction", f"after it: {EXACT + 32} in version 3"]
    cluster.start_node(leader)
    cluster.wait_ready(leader)
    cluster.check_equal()
