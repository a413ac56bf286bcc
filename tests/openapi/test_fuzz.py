"""Whatever is sent to a cluster, it answers as openapi.yaml says, lives on, and stays equal on all nodes."""

import re

import fuzz

EXAMPLES = 60
SEED = 20


def test_requests_of_all_kinds(tmp_path):
    code, output = fuzz.run(tmp_path, EXAMPLES, SEED)
    assert code == 0, output[-20_000:]
    assert "Tested: " in output, output[-2000:]
    generated = re.search(r"\b(\d+) generated, (\d+) passed", output)
    assert generated and int(generated[1]) > 0 and generated[1] == generated[2], output[-2000:]


def test_a_wrong_document_is_noticed(tmp_path, monkeypatch):
    """The same, with a document that promises another answer of /healthz than the server gives."""
    document = (fuzz.ROOT / "openapi.yaml").read_text()
    monkeypatch.setattr(fuzz, "DOCUMENT", tmp_path / "wrong.yaml")
    fuzz.DOCUMENT.write_text(document.replace("enum: [ok]", "enum: [well]"))
    code, output = fuzz.run(tmp_path, 1, SEED, "--include-path", "/healthz")
    assert code != 0 and "Response violates schema" in output, output
