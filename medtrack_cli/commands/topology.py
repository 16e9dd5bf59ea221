"""medtrack topology lint, diff."""

from medtrack_cli.commands.explain import rules
from medtrack_cli.commands.options import Group, Panel, argument, command
from medtrack_cli.commands.shared_options import DEFINITIONS, LIST_RULES, REPORTS, STRICT
from medtrack_cli.core.kinds import Kind
from medtrack_cli.errors import ExitCode
from medtrack_cli.plural import counted
from medtrack_cli.runtime import Runtime

DIFF = ("medtrack topology diff definitions.json definitions.json",)
LINT = ("medtrack topology lint --definitions definitions.json",)


@command("lint", *LINT, effect="read", connects=True)
def lint(
    runtime: Runtime,
    *,
    definitions: str | None = DEFINITIONS,
    output: list[str] | None = REPORTS,
    strict: bool = STRICT,
    list_rules: bool = LIST_RULES,
) -> int:
    """Find what is wrong with bindings and queues.

    Checks the profile's broker, by its management API, or a file of definitions. Nothing is
    changed. `medtrack explain RULE` explains each rule. Exit code 0: no errors; 1: errors.
    """
    from medtrack_cli.core.topology.lint import lint as faults_of
    from medtrack_cli.core.topology.linted import Linted
    from medtrack_cli.wiring import reports, topology

    if list_rules:
        return rules(runtime, None, "topology lint")
    clock = runtime.world.clock
    started = clock.monotonic()
    wanted = reports.wanted_reports(runtime, output or [])
    topology.refuse_outputs(runtime, wanted, definitions)
    read = topology.read(runtime, definitions)
    exchange = topology.exchange_of(runtime, read.topology)
    linted = Linted.of(read.topology, strict=strict)
    with reports.reports(
        runtime, wanted, linted, reveal=True, most=None, command="topology lint"
    ) as report:
        report.file(read.name)
        for fault in faults_of(read.topology, exchange, runtime.registry.names):
            finding = read.finding(fault)
            linted.add(finding)
            report.finding(finding, lambda _number: None)
        linted.seconds = clock.monotonic() - started
        report.finish(linted)
    return linted.exit_code


@command("diff", *DIFF, effect="read", connects=True)
def diff(
    runtime: Runtime,
    old: str = argument("A", "A profile, or a file of `rabbitmqctl export_definitions`."),
    new: str = argument("B", "As A, after the change."),
) -> int:
    """Say what a change of the topology breaks.

    Shows what B adds to A, removes or changes, and which event types lose a queue: that is
    breaking. Exit code 1: a break, or one that can't be ruled out.
    """
    from medtrack_cli.core.topology.diff import changes
    from medtrack_cli.output.shown.changes import ShownChange
    from medtrack_cli.wiring.topology import side

    sides = side(runtime, old), side(runtime, new)
    found = list(changes(*sides, runtime.registry.names))
    for each in found:
        runtime.printer.show(ShownChange(each))
    verdicts = [each.breaking for each in found]
    broken, undecided = verdicts.count(True), verdicts.count(None)
    code = ExitCode.VERDICT_NO if broken or undecided else ExitCode.DONE
    numbers = {"broken": broken, "undecided": undecided, "exit_code": code}
    words = (
        f"{counted(broken, 'event type')} broken, {undecided} undecided"
        if code
        else "nothing breaks"
    )
    sentence = f"{len(found)} changed: {words}"
    runtime.printer.summary(Kind.COMPARED, {"changed": len(found), **numbers}, sentence)
    return code


topology = Group(
    "topology", "Check bindings and queues.", (*LINT, *DIFF), Panel.BROKER, (lint, diff)
)
