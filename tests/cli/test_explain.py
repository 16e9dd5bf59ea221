"""Every code that medtrack shows can be asked about."""

import pytest
from pika import spec

from medtrack_cli.core.doctor.results import Check
from medtrack_cli.core.explanations import EXPLAINED, Group
from medtrack_cli.core.messages import Outcome
from medtrack_cli.core.publishing.selection import LeftOut
from medtrack_cli.core.topology.lint_rules import TopologyRule
from medtrack_cli.errors import ExitCode
from medtrack_cli.events.findings import Rule
from tests.project.test_json_output import documented
from tests.running import run


def codes(group: Group) -> set[str]:
    """List the codes of a group."""
    return {each.code for each in EXPLAINED if each.group is group}


def test_every_code_is_explained() -> None:
    """All rules, outcomes, exit codes and AMQP's own reply codes are there, and none twice."""
    replies = {f"{code} {name}" for name, code in vars(spec).items() if code in range(300, 600)}
    said = {f"{each.code} {each.about.summary.partition(':')[0]}" for each in EXPLAINED}

    assert codes(Group.RULE) == set(Rule)
    assert codes(Group.TOPOLOGY_RULE) == set(TopologyRule)
    assert codes(Group.OUTCOME) == set(Outcome)
    assert codes(Group.CHECK) == set(Check)
    assert codes(Group.EXIT_CODE) == {str(int(code)) for code in ExitCode} | {"129"}
    assert replies <= said
    assert len(codes(Group.REPLY_CODE)) == len(replies)
    assert len({each.code for each in EXPLAINED}) == len(EXPLAINED)


def test_all_that_a_replay_counts_is_explained() -> None:
    """Each number of the object `replayed` that is no verdict, and each condition, is a counter."""
    numbers = documented()["replayed"].schema["properties"].items()
    counted = {name for name, each in numbers if each.get("type") == "integer"}
    conditions = {*LeftOut, "left_out", "left_out_reason", "left_out_died_in"}

    assert codes(Group.COUNTER) == conditions | counted - {*Outcome, "total", "exit_code"}


def test_each_is_told_whole() -> None:
    """For each code of the list a person reads its three texts, and a program has them."""
    listed = run("explain", "-o", "json").records
    assert [(each["group"], each["code"]) for each in listed] == [each[:2] for each in EXPLAINED]
    for group, code, about in EXPLAINED:
        told = " ".join(run("explain", code).out.split())
        assert told.startswith(f"{code} ({group.replace('_', ' ')}")
        assert all(text in told for text in (about.summary, about.why, about.do))
        (record,) = run("explain", code, "-o", "json").records
        assert (record["why"], record["do"]) == (about.why, about.do)


@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        ("explain unrouteable", "did you mean unroutable?"),
        ("explain Bad_Format", "did you mean bad_format?"),
        ("explain 42", "medtrack explain lists them all"),
        ("explain \x1b]0;x\x07", "medtrack explain lists them all"),
        ("validate --explain bad_fromat", "did you mean bad_format?"),
        ("validate --explain 69", "medtrack explain lists them all"),
    ],
)
def test_an_unknown_code_is_named_with_a_near_one(typed: str, hint: str) -> None:
    """2, with the nearest code that there is, if one is near."""
    ran = run(*typed.split(" ", typed.count(" ")))
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.endswith(f"hint: {hint}\n")
    assert "\x1b" not in ran.err


def test_the_code_of_an_error_leads_to_its_exit_code() -> None:
    """What `-o json` calls broker_unreachable is explained as 69, what it ends with."""
    ran = run("explain", "broker_unreachable")
    assert (ran.code, ran.out.partition("\n")[0]) == (0, "69 (exit code)")
