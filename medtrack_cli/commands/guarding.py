"""What is shown and asked before recorded events are sent where they could do harm."""

from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from medtrack_cli.commands.confirm import PROTECTED, ask, needs_yes
from medtrack_cli.core.messages import Message, Receipt
from medtrack_cli.output.shown.plans import ShownPlan, pace, span, where_to
from medtrack_cli.plural import counted
from medtrack_cli.runtime import Runtime

if TYPE_CHECKING:
    from medtrack_cli.core.publishing.origin import Origin
    from medtrack_cli.core.publishing.outline import Outline

_HOME = "its events were recorded from this broker"


class Guard:
    """Decides whether a replay's plan is shown and whether a person must confirm it.

    Both for a protected broker, and for one beyond this machine that the events were recorded from;
    if they go elsewhere than they came from, the plan is only shown.
    """

    def __init__(self, runtime: Runtime, outline: "Outline", *, yes: bool) -> None:
        hosts = runtime.config.resolved.hosts.value
        self._runtime, self._outline, self._yes = runtime, outline, yes
        self._is_here = all(host.is_loopback for host in hosts)
        self._is_protected = runtime.config.protector is not None

    def foretell(self, seconds: float | None) -> None:
        """Have the queues looked up, if the plan will be shown and needs no confirmation first.

        A confirmation comes before all passwords.
        """
        from medtrack_cli.wiring import brokers

        reach = cache(lambda: brokers.reach(self._runtime, seconds))

        @lru_cache
        def is_asked(origin: "Origin | None") -> bool:
            origins = {origin} if origin else set()
            return self._is_shown(origins) and not self._needs_yes(origins)

        def reached(message: Message) -> list[str] | None:
            origin = message.paced_by and message.paced_by.origin
            return reach()(message) if is_asked(origin) else None

        self._outline.reach = reached

    def ask(self, *, is_counted: bool, known: int | None = None) -> None:
        """Show the plan, if there is one, and ask; UsageError without a yes.

        `known` is the number of all events of a resumed run.
        """
        outline, runtime = self._outline, self._runtime
        is_asked = self._needs_yes(outline.origins)
        if is_asked and not runtime.terminal.has_person:
            raise needs_yes(runtime, "replay", PROTECTED if self._is_protected else _HOME)
        plan = outline.to_json()
        if is_counted and self._is_shown(outline.origins) and not runtime.quiet:
            runtime.printer.tell(ShownPlan(plan))
        if is_asked:
            what = "events as they come, so they are not counted,"
            if known is not None:
                what = f"the rest of {counted(known, 'event')}"
            elif is_counted:
                when = f" of {span(plan)}" if plan["first"] else ""
                what = f"{counted(plan['events'], 'event')}{when} in {pace(plan)}"
            where = "the protected broker" if self._is_protected else "where they were recorded,"
            ask(runtime, "replay", [f"replay {what} to {where} {where_to(plan)}"])
            self._yes = True

    def passing(self, outgoing: Iterable[Message | Receipt]) -> Iterator[Message | Receipt]:
        """Pass on what this run hasn't checked; UsageError at the first that would go back.

        Its origin is known only now: too late for a question.
        """
        for each in outgoing:
            is_home = isinstance(each, Message) and self._is_home(_origin_of(each))
            if is_home and not self._yes:
                raise needs_yes(self._runtime, "replay", _HOME)
            yield each

    def _is_shown(self, origins: "set[Origin]") -> bool:
        target = self._outline.target
        is_elsewhere = any(not each.is_same_place(target) for each in origins)
        return self._is_protected or is_elsewhere or self._is_home(origins)

    def _needs_yes(self, origins: "set[Origin]") -> bool:
        return not self._yes and (self._is_protected or self._is_home(origins))

    def _is_home(self, origins: "set[Origin]") -> bool:
        target = self._outline.target
        return not self._is_here and any(each.is_same_broker(target) for each in origins)


def _origin_of(message: Message) -> "set[Origin]":
    recorded = message.paced_by
    return {recorded.origin} if recorded and recorded.origin else set()
