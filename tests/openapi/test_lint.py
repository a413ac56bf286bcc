"""openapi.yaml follows the rules in spectral.yaml, and the rules find what they forbid."""

import pathlib
import subprocess

import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
SPECTRAL = ROOT / "build/tools/spectral/node_modules/.bin/spectral"
RULES = ROOT / "tests/openapi/spectral.yaml"


def lint(document):
    """The exit code, and what was found."""
    result = subprocess.run([SPECTRAL, "lint", "--fail-severity", "hint", "--ruleset", RULES, document],
                            capture_output=True, text=True, timeout=120, check=False)
    return result.returncode, result.stdout + result.stderr


def test_the_document_is_clean():
    code, found = lint(ROOT / "openapi.yaml")
    assert code == 0, found


def without_description(document):
    del document["components"]["schemas"]["Statement"]["description"]


def without_error_response(document):
    del document["paths"]["/v1/transactions"]["post"]["responses"]["413"]


def without_causal_token(document):
    del document["components"]["responses"]["Conflict"]["headers"]["Quorate-Index"]


def with_html_errors(document):
    content = document["components"]["responses"]["Conflict"]["content"]
    content["text/html"] = content.pop("application/problem+json")


def with_a_wrong_example(document):
    document["components"]["responses"]["Conflict"]["content"]["application/problem+json"]["example"]["status"] = "409"


@pytest.mark.parametrize("change, rule", [
    (without_description, "schema-description"),
    (without_error_response, "body-can-be-refused"),
    (without_causal_token, "causal-token"),
    (with_html_errors, "errors-are-problems"),
    (with_a_wrong_example, "oas3-valid-media-example"),
], ids=lambda value: getattr(value, "__name__", ""))
def test_a_worse_document_is_refused(change, rule, tmp_path):
    document = yaml.safe_load((ROOT / "openapi.yaml").read_text())
    change(document)
    (tmp_path / "worse.yaml").write_text(yaml.safe_dump(document, sort_keys=False))
    code, found = lint(tmp_path / "worse.yaml")
    assert code != 0 and rule in found, found
