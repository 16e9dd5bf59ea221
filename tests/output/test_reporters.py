"""Every report format is what its readers expect: checked by their schemas and their own rules."""

import json
import os
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree as ET

import jsonschema_rs
import pytest

from medtrack_cli.events.findings import WARNINGS, Rule
from tests.builders import STUDENT, changed
from tests.cli.tool import COMMAND, ROOT, Tool
from tests.validate.checking import validate

# One of its patterns has a stray bracket, which strict regex engines refuse.
SARIF = json.loads(
    (ROOT / "tests/data/sarif-2.1.0-rtm.5.json").read_text().replace("{2}]?$", "{2}$")
)
# https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format, as a schema.
GITLAB = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {
            "description": {"type": "string"},
            "check_name": {"type": "string"},
            "fingerprint": {"type": "string"},
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": {
                "type": "object",
                "properties": {
                    "path": {"type": "string", "pattern": "^(?!\\./)"},
                    "lines": {
                        "type": "object",
                        "properties": {"begin": {"type": "integer", "minimum": 1}},
                        "required": ["begin"],
                    },
                },
                "required": ["path", "lines"],
            },
        },
        "required": ["description", "check_name", "fingerprint", "severity", "location"],
    },
}
ODD_NAME = 'ünï cödé, 100%: "a" & <b>\n::error::x.json'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make files of all sorts: valid, with errors, with a warning, oddly named."""
    late = changed({"/timestamp": "2025-01-15T10:00:00"})
    (tmp_path / "good.json").write_text(json.dumps(STUDENT))
    (tmp_path / "late.json").write_text(json.dumps(late))
    (tmp_path / "bad.json").write_text(json.dumps(changed({"email": 1, "x<y>&": 2})))
    (tmp_path / ODD_NAME).write_text("[\n")
    (tmp_path / os.fsdecode(b"\xff.json")).write_text("{}")
    return tmp_path


RUNS = [
    ((".",), 1),
    (("good.json",), 0),
    (("late.json",), 0),
    (("late.json", "--strict"), 1),
    (("good.json", "missing, 100%.json"), 66),
    (("bad.json", "missing.json", "--max-findings", "1"), 1),
]


@pytest.mark.parametrize(("arguments", "code"), RUNS)
def test_sarif(tool: Tool, folder: Path, arguments: tuple[str, ...], code: int) -> None:
    """SARIF output fits the official schema; its results name rules and files that there are."""
    ran = tool.run("validate", *arguments, "-o", "sarif")
    log = json.loads(ran.out)

    assert ran.code == code
    validator = jsonschema_rs.Draft4Validator(SARIF, validate_formats=True)
    assert [error.message for error in validator.iter_errors(log)] == []
    (run,) = log["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert rules == list(Rule)
    for result in run["results"]:
        assert rules[result["ruleIndex"]] == result["ruleId"]
        assert result["level"] == ("warning" if result["ruleId"] in WARNINGS else "error")
        (place,) = result["locations"]
        uri = place["physicalLocation"]["artifactLocation"]["uri"]
        assert (folder / os.fsdecode(unquote_to_bytes(uri))).exists()
    (invocation,) = run["invocations"]
    assert invocation["exitCode"] == code
    missing = sum("missing" in each for each in arguments)
    assert invocation["executionSuccessful"] == (missing == 0)
    assert len(invocation["toolExecutionNotifications"]) == missing


def unquote_to_bytes(uri: str) -> bytes:
    """Undo a URI's percent-encoding."""
    return unquote(uri, "latin-1").encode("latin-1")


@pytest.mark.usefixtures("folder")
def test_sarif_and_json_agree(tool: Tool) -> None:
    """The results of SARIF are the findings of the JSON output, in their order."""
    names = ["bad.json", "late.json"]
    results = json.loads(tool.run("validate", *names, "-o", "sarif").out)["runs"][0]["results"]
    findings = tool.run("validate", *names, "-o", "json").of_kind("finding")

    regions = [each["locations"][0]["physicalLocation"]["region"] for each in results]
    assert [
        (each["ruleId"], *region.values()) for each, region in zip(results, regions, strict=True)
    ] == [(each["rule"], each["line"], each["column"], each["end_column"]) for each in findings]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(("arguments", "code"), [*RUNS[:2], RUNS[4]])
def test_gitlab(tool: Tool, arguments: tuple[str, ...], code: int) -> None:
    """A code quality report has what GitLab's page asks for, each fingerprint once."""
    ran = tool.run("validate", *arguments, "-o", "gitlab", "-o", "json=all.ndjson")
    issues = json.loads(ran.out)
    found = [json.loads(line) for line in (tool.folder / "all.ndjson").read_text().splitlines()]

    assert ran.code == code
    assert [*jsonschema_rs.Draft202012Validator(GITLAB).iter_errors(issues)] == []
    assert len({each["fingerprint"] for each in issues}) == len(issues)
    assert [
        (each["check_name"], each["location"]["lines"]["begin"], each["severity"])
        for each in issues
        if each["check_name"] != "unreadable"
    ] == [
        (each["rule"], each["line"], "major" if each["severity"] == "error" else "minor")
        for each in found
        if each["kind"] == "finding"
    ]
    unreadable = [each for each in issues if each["check_name"] == "unreadable"]
    assert len(unreadable) == sum(each["kind"] == "error" for each in found)


def test_gitlab_knows_a_finding_again(tmp_path: Path) -> None:
    """A finding keeps its fingerprint when it moves; of two alike in a file each has its own."""
    bad, prints = json.dumps(changed({"email": 1})), []
    for text in (f"{bad}\n", f"\n\n{bad}\n{bad}\n"):
        (tmp_path / "e.ndjson").write_text(text)
        root = {"CI_PROJECT_DIR": str(tmp_path)}
        ran = validate(tmp_path / "e.ndjson", "-o", "gitlab", environ=root)
        issues = json.loads(ran.out)
        assert {each["location"]["path"] for each in issues} == {"e.ndjson"}
        prints.append([each["fingerprint"] for each in issues])
    assert (len(prints[0]), len(set(prints[1]))) == (1, 2)
    assert prints[0][0] == prints[1][0]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(("arguments", "code"), RUNS)
def test_junit(tool: Tool, arguments: tuple[str, ...], code: int) -> None:
    """A JUnit report has the elements and attributes readers know, one result a case, true sums."""
    ran = tool.run("validate", *arguments, "-o", "junit")
    top = ET.fromstring(ran.out)

    assert ran.code == code
    assert top.tag == "testsuites"
    (suite,) = top
    assert suite.tag == "testsuite"
    assert {"name", "tests", "failures", "errors", "time"} <= set(suite.keys())
    cases = list(suite)
    assert [set(case.keys()) for case in cases] == [{"name", "classname"}] * len(cases)
    assert all(len(case) <= 1 for case in cases)
    kinds = [child.tag for case in cases for child in case]
    assert set(kinds) <= {"error", "failure", "system-out"}
    assert [int(suite.attrib[name]) for name in ("tests", "failures", "errors")] == [
        len(cases),
        kinds.count("failure"),
        kinds.count("error"),
    ]
    assert (kinds.count("failure") + kinds.count("error") > 0) == (code != 0)


@pytest.mark.usefixtures("folder")
def test_junit_text(tool: Tool) -> None:
    """A case names its file; its text holds every finding, its message the first that fails."""
    ran = tool.run("validate", ".", "-o", "junit")
    cases = {case.attrib["name"]: case for case in ET.fromstring(ran.out).iter("testcase")}
    failure = cases["./bad.json"][0]

    assert cases.keys() >= {"./good.json", "./late.json"}
    assert failure.attrib["type"] == "wrong_type"
    assert len((failure.text or "").strip().splitlines()) == 2
    assert "warning[naive_timestamp] ./late.json:1:" in (cases["./late.json"][0].text or "")
    assert len(cases["./good.json"]) == 0


def commands(out: str) -> list[tuple[str, dict[str, str], str]]:
    """Read workflow commands as the runner does."""
    found = []
    for line in out.splitlines():
        if not line.lstrip().startswith("::"):
            continue
        head, _, data = line.lstrip()[2:].partition("::")
        name, _, listed = head.partition(" ")
        pairs = [each.partition("=") for each in listed.split(",") if each]
        properties = {key: _unescaped(text, ":,\r\n%") for key, _, text in pairs}
        found.append((name, properties, _unescaped(data, "\r\n%")))
    return found


def _unescaped(text: str, escaped: str) -> str:
    for char in escaped:
        text = text.replace(f"%{ord(char):02X}", char)
    return text


@pytest.mark.usefixtures("folder")
def test_github(tool: Tool) -> None:
    """On GitHub each finding is a command at its place; the name of a file can't make another."""
    github = tool.run("validate", ".", GITHUB_ACTIONS="true")
    findings = tool.run("validate", ".", "-o", "json").of_kind("finding")
    read = commands(github.out)

    assert github.code == 1
    assert len(read) == len(findings)
    for (name, properties, message), found in zip(read, findings, strict=True):
        assert name == found["severity"]
        assert properties["title"] == f"medtrack {found['rule']}"
        assert properties["file"].endswith(found["file"].removeprefix("./").split("\n")[-1][-5:])
        assert [int(properties[key]) for key in ("line", "endLine", "col", "endColumn")] == [
            *(found["line"], found["line"], found["column"], found["end_column"])
        ]
        assert found["message"] in message


def test_github_names_files_from_the_root(folder: Path, tmp_path: Path) -> None:
    """In a sub-folder of the checkout, files are named from its root; those outside keep theirs."""
    workspace = tmp_path / "checkout"
    (workspace / "sub").mkdir(parents=True)
    (workspace / "sub/in.json").write_text("{}")
    outside = str(folder / "bad.json")
    inside = Tool(workspace / "sub", GITHUB_ACTIONS="true", GITHUB_WORKSPACE=str(workspace))
    ran = inside.run("validate", "in.json", "../sub/in.json", outside, "-", stdin=b"{}")
    sarif = inside.run("validate", "in.json", outside, "-o", "sarif")

    names = [properties.get("file") for _, properties, _ in commands(ran.out)]
    assert names == ["sub/in.json", *[outside] * (len(names) - 2), None]
    assert commands(ran.out)[-1][2].startswith("<stdin>:1:1: ")
    uris = re.findall(r'"uri":"([^"]+)"', sarif.out)
    assert uris[0] == "sub/in.json"
    assert set(uris[1:]) == {Path(outside).as_uri()}


def test_json_escapes_what_is_no_text(tool: Tool, folder: Path) -> None:
    """A file name that is no UTF-8 stays readable JSON, on stdout and in a file."""
    name = os.fsdecode(b"\xff.json")
    ran = tool.run("validate", name, "-o", "json", "-o", "json=out.ndjson")
    written = [json.loads(line) for line in (folder / "out.ndjson").read_text().splitlines()]

    assert ran.records[0]["file"] == written[0]["file"] == name


def reports(tmp_path: Path, *outputs: str) -> Any:
    """Check a bad file with several outputs."""
    bad = tmp_path / "bad.json"
    bad.write_text("{}")
    return validate(bad, *(part for each in outputs for part in ("-o", each)))


def test_several_at_once(tmp_path: Path) -> None:
    """One goes to stdout, any number into files, each as it would be alone."""
    names = {each: tmp_path / f"out.{each}" for each in ("json", "github", "junit", "sarif")}
    ran = reports(tmp_path, *(f"{each}={path}" for each, path in names.items()))

    assert ran.code == 1
    assert "error[not_an_event]" in ran.out
    assert '"kind":"finding"' in names["json"].read_text()
    assert names["github"].read_text().startswith("::error ")
    assert ET.fromstring(names["junit"].read_text()).tag == "testsuites"
    assert json.loads(names["sarif"].read_text())["version"] == "2.1.0"
    assert {path.name for path in tmp_path.iterdir()} == {
        "bad.json",
        *(path.name for path in names.values()),
    }


@pytest.mark.parametrize(
    "outputs",
    [("json", "human"), ("json=", "human"), ("xml",), ("json=a.out", "sarif=./a.out")],
)
def test_outputs_that_contradict(tmp_path: Path, outputs: tuple[str, ...]) -> None:
    """Two outputs in one place, an unknown one, and an empty path are usage errors."""
    ran = reports(tmp_path, *outputs)
    assert (ran.code, ran.out) == (2, "")
    assert "hint" in ran.err


def test_report_that_cannot_be_made(tmp_path: Path) -> None:
    """A report that can't be created is exit 73, by its own name, and leaves nothing."""
    for path in (tmp_path / "no/such/folder.xml", tmp_path):
        ran = reports(tmp_path, f"junit={path}")
        assert ran.code == 73
        assert f"): {path}\n" in ran.err
    assert [path.name for path in tmp_path.iterdir()] == ["bad.json"]


def test_report_follows_no_link(tmp_path: Path) -> None:
    """A link is refused with 73, whether or not it leads somewhere; nothing behind it changes."""
    target, link, loop = tmp_path / "target.xml", tmp_path / "link.xml", tmp_path / "loop"
    target.write_text("precious")
    link.symlink_to(target)
    loop.symlink_to(loop)
    for path in (link, loop):
        ran = reports(tmp_path, f"junit={path}")
        assert (ran.code, "it is a link" in ran.err) == (73, True)
    assert target.read_text() == "precious"
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["bad.json", "link.xml", "loop", "target.xml"]


def test_report_into_what_is_no_file(tmp_path: Path) -> None:
    """A device, a FIFO and a stream that is a file are written to, not replaced."""
    os.mkfifo(tmp_path / "fifo")
    with ThreadPoolExecutor() as reader:
        read = reader.submit((tmp_path / "fifo").read_bytes)
        assert reports(tmp_path, f"junit={tmp_path / 'fifo'}", "json=/dev/null").code == 1
        assert read.result(10).startswith(b"<?xml")
    assert Path("/dev/null").is_char_device()
    log = tmp_path / "log"
    with log.open("wb") as stderr:
        command = [*COMMAND, "validate", "bad.json", "missing.json", "-o", "sarif=/dev/stderr"]
        assert subprocess.run(command, cwd=tmp_path, stderr=stderr, check=False).returncode == 1
    assert '"$schema"' in log.read_text()
    assert "error: no such file or folder: missing.json" in log.read_text()
