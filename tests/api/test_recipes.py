"""docs/curl.md is true: every recipe on the page runs, and answers what the page says."""

import re
import subprocess

from conftest import ROOT

PAGE = ROOT / "docs/curl.md"
DEFAULT_URL = "http://127.0.0.1:8080"
SEPARATOR = "--- next recipe ---"


def recipes():
    """(commands, the answer on the page or None) in their order."""
    return re.findall(r"^```sh\n(.*?)^```\n(?:```(?:json|text)\n(.*?)^```\n)?", PAGE.read_text(), re.DOTALL | re.MULTILINE)


def matches(said, answer):
    """The same but for white space, and for what `...` stands for: anything at all."""
    def squeeze(text):
        return re.sub(r"\s", "", text)
    pattern = ".*?".join(re.escape(part) for part in squeeze(said).split("..."))
    return re.fullmatch(pattern, squeeze(answer))


def test_every_recipe(make_server, tmp_path):
    server = make_server()
    commands = [commands for commands, _ in recipes()]
    assert len(commands) > 20 and commands[0].strip() == f"Q={DEFAULT_URL}"
    commands[0] = f"Q={server.url}\n"
    script = "set -euo pipefail\n" + f"\necho; echo '{SEPARATOR}'\n".join(commands)
    result = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=120, check=False,
                            cwd=tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr
    answers = result.stdout.split(SEPARATOR)
    assert len(answers) == len(commands)
    for (command, said), answer in zip(recipes(), answers):
        assert matches(said, answer), f"{command}\nthe page says:\n{said}\nthe server says:\n{answer}"


def test_another_answer_is_noticed():
    assert matches('{"a": [1, 2], "b": "..."}', '{"a":[1,2],"b":"xyz"}\n')
    assert not matches('{"a": [1, 3], "b": "..."}', '{"a":[1,2],"b":"xyz"}')
    assert not matches('{"a": 1}', '{"a":1,"b":2}')
