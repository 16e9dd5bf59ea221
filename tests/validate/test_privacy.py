"""No report shows what was written about persons, wherever it stands and however broken."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medtrack_cli.events.registry import built_in
from tests.builders import STUDENT, block_yaml
from tests.validate.checking import validate

NAME = "Zyxwa"
CANARIES = (f"{NAME} Qrstuv", f"{NAME}.Qrstuv@example.org", "+9876543210", "QX987654", "Ünîq 名前")
SECRETS = (NAME, "Qrstuv", "9876543210", "987654", "nîq", "名前")
FORMATS = ("human", "json", "github", "junit", "sarif")


def leaked(text: str) -> list[str]:
    """Find what may not be seen, escaped or not."""
    return [secret for secret in SECRETS if secret in text or json.dumps(secret)[1:-1] in text]


def reports(path: Path, *options: str) -> str:
    """Check a file and join all that every format says."""
    said = []
    for name in FORMATS:
        ran = validate(path, "-o", name, *options)
        said += [ran.out, ran.err]
    return "\n".join(said).replace(str(path), "FILE")


def events() -> list[dict[str, Any]]:
    """Put each canary into every field there is, known ones, misspelled ones and unknown ones."""
    made = []
    for known in built_in():
        names = [field.name for field in known.fields]
        for name in [*names, *(each[:-2] + each[:-3:-1] for each in names), "notes", "x"]:
            for canary in CANARIES:
                values = (canary, [canary], {"inner": canary}, {name: [{"deep": canary}]})
                for value in values:
                    payload = {**STUDENT["payload"], name: value, "stray": 1}
                    made.append({**STUDENT, "event_type": known.name, "payload": payload})
    for name in ("event_type", "timestamp", "version", "payload", "service", "servcie"):
        made += ({**STUDENT, "nothing": 1, name: f"{canary} {NAME}"} for canary in CANARIES)
    return made


def test_values_stay_hidden_in_lines(tmp_path: Path) -> None:
    """In NDJSON no canary is seen, whatever field it stands in."""
    path = tmp_path / "a.ndjson"
    path.write_text("".join(json.dumps(each, ensure_ascii=False) + "\n" for each in events()))
    shown = reports(path, "--max-findings", "100000")
    assert len(shown) > 100_000
    assert leaked(shown) == []


def test_values_stay_hidden_in_yaml(tmp_path: Path) -> None:
    """In block YAML no canary is seen, quoted or plain."""
    quoted = "\n---\n".join(block_yaml(each) for each in events()[::7])
    plain = re.sub(r': "([^"\\]*[^"\\ ])"$', r": \1", quoted, flags=re.MULTILINE)
    for text in (quoted, plain):
        path = tmp_path / "a.yaml"
        path.write_text(text)
        shown = reports(path, "--max-findings", "100000")
        assert len(shown) > 50_000
        assert leaked(shown) == []


def test_reveal_shows_the_lines(tmp_path: Path) -> None:
    """With --reveal the line is shown as it is; without, in its shape and width."""
    path = tmp_path / "a.ndjson"
    path.write_text(json.dumps({**STUDENT, "payload": {"email": f"{NAME} at home, 24"}}))
    assert f'"{NAME} at home, 24"' in validate(path, "--reveal").out
    assert '"xxxxx xx xxxx, 99"' in validate(path).out


WHOLE = json.dumps({**STUDENT, "payload": {**STUDENT["payload"], "first_name": CANARIES[0]}})
CUTS = st.lists(
    st.tuples(
        st.integers(0, len(WHOLE)),
        st.integers(0, 3),
        st.sampled_from(['"', "'", "", " ", ",", ", ", "{", "}", "[", ":", "\\", "\n", "\x01"]),
    ),
    min_size=1,
    max_size=3,
)


@pytest.mark.parametrize("name", ["a.json", "a.ndjson", "a.yaml"])
@given(cuts=CUTS)
@settings(max_examples=25, deadline=None)
def test_values_stay_hidden_in_broken_text(
    tmp_path_factory: pytest.TempPathFactory, name: str, cuts: list[tuple[int, int, str]]
) -> None:
    """An event torn apart shows no more than a whole one."""
    text = WHOLE
    for at, length, piece in cuts:
        text = text[:at] + piece + text[at + length :]
    path = tmp_path_factory.mktemp("broken") / name
    path.write_text(text)
    assert NAME not in validate(path, "-o", "json").out + validate(path).out
