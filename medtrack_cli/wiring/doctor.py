"""The input of doctor: configuration, password, event types, events; and its report."""

import os
import platform
import random
import ssl
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from medtrack_cli import __version__, whole_file
from medtrack_cli.broker.patience import within
from medtrack_cli.core.doctor.facts import Facts
from medtrack_cli.core.doctor.ports import Payload
from medtrack_cli.core.doctor.results import Diagnosis
from medtrack_cli.core.ports import Stop
from medtrack_cli.errors import (
    BrokerUnreachable,
    CannotCreate,
    MedtrackError,
    TimedOut,
    UnknownProfile,
)
from medtrack_cli.output.safe_text import safe_text
from medtrack_cli.output.shown.checks import ShownCheck, ShownDiagnosis
from medtrack_cli.output.shown.shown import Sheet
from medtrack_cli.output.style import FULL, Style
from medtrack_cli.runtime import Runtime

if TYPE_CHECKING:
    from medtrack_cli.core.connection_settings import ConnectionSettings, Target

_WIDTH = 100


def facts(runtime: Runtime, file: str | None, *, asks_exchange: bool) -> Facts:
    """Provide what the checks can ask; nothing is asked yet."""
    world = runtime.world
    doors = (world.open_broker, world.open_management, world.clock)
    return Facts(_Given(runtime, file), *doors, asks_exchange=asks_exchange)


@dataclass(frozen=True)
class _Given:
    """See `Given` of core.doctor."""

    _runtime: Runtime
    _file: str | None

    def files(self) -> Sequence[str]:
        try:
            files = self._runtime.config.files
        except (UnknownProfile, BrokerUnreachable):  # the files are well
            files = tuple(self._runtime.config_files())
        return [str(each.path) for each in files if each.exists]

    def profile(self) -> str:
        config = self._runtime.config
        found = config.target
        return f"{found.profile} ({config.profile_value.source}): {found.broker}, {found.exchange}"

    def password_source(self) -> tuple[str, bool]:
        from medtrack_cli.config.secrets import Missing

        config = self._runtime.config
        found = config.resolved.password
        source = "typed at the prompt" if isinstance(found.value, Missing) else found.source
        return source, config.password_is_typed

    def settings(self) -> "ConnectionSettings":
        return self._runtime.config.connection(random.Random())  # noqa: S311 -- spreads load

    def event_types(self) -> Sequence[str]:
        registry = self._runtime.registry
        return [name for name in registry.names if not registry.find(name).emitted_by_medtrack]

    def payload(self, seconds: float, stop: Stop) -> Payload | None:
        if self._file is None:
            return None
        file = self._file
        try:
            return within(seconds, lambda: self._examined(file), stop)
        except TimeoutError:
            what = f"the events weren't all read within {seconds:.0f} s"
            raise TimedOut(what, file, hint="`medtrack validate` takes its time") from None

    def _examined(self, file: str) -> Payload:
        """Check the events as publish would, after filling in what it can."""
        from medtrack_cli.core.times import rfc3339
        from medtrack_cli.core.validating.examine import Completion, examine
        from medtrack_cli.wiring.inputs import gathered

        runtime = self._runtime
        clock, registry = runtime.world.clock, runtime.registry
        source = gathered(runtime, [file])
        source.require()
        completion = Completion(
            None, runtime.config.service, lambda: rfc3339(clock.now()), registry
        )
        total, wrong = 0, []
        types: dict[str, None] = {}
        for each in examine(source.items(), completion, publishing=True):
            total += 1
            if each.event_type:
                types[each.event_type] = None
            if not each.is_valid:
                first = next(found for found in each.findings if found.is_error)
                wrong.append(f"{first.rule} at {first.file}:{first.span.line}")
        return Payload(total, len(wrong), tuple(types), *wrong[:1])


def target(runtime: Runtime) -> "Target | None":
    """Name the broker, if the configuration does."""
    try:
        return runtime.config.target
    except MedtrackError:
        return None


def refuse_place(path: Path) -> None:
    """Refuse to write a report over an existing file, before anything is asked."""
    if os.path.lexists(path):
        hint = "a report is never written over another file: name a new one"
        raise CannotCreate("the report's file is there already", str(path), hint=hint)


def write_report(runtime: Runtime, path: Path, diagnosis: Diagnosis) -> None:
    """Write all that a support mail needs, for its owner alone, without any secret."""
    home = runtime.world.environ.get("HOME", "")
    text = "\n".join([*_report(runtime, diagnosis), ""])
    if len(home) > 1:
        text = text.replace(home, "~")
    try:
        whole_file.create(path, text)
    except FileExistsError:
        refuse_place(path)
    except OSError as error:
        what = f"the report can't be created ({error.strerror})"
        raise CannotCreate(what, str(path), hint="name another file") from None


def _report(runtime: Runtime, diagnosis: Diagnosis) -> Iterator[str]:
    yield f"medtrack {__version__}, Python {platform.python_version()}, {ssl.OPENSSL_VERSION}"
    yield f"{platform.platform()}, {runtime.world.clock.now():%Y-%m-%d %H:%M:%S} UTC"
    yield ""
    try:
        for name, setting in runtime.config.values():
            value = setting.value
            shown = ", ".join(map(str, value)) if isinstance(value, tuple) else value
            yield safe_text(f"{name}: {'' if shown is None else shown} ({setting.source})")
    except MedtrackError as error:
        yield safe_text(error.message)
    yield ""
    sheet = Sheet(_WIDTH, FULL, Style(on=False), is_terminal=True)
    for each in diagnosis.results:
        yield from ShownCheck(each).lines(sheet)
    yield from ShownDiagnosis(diagnosis, target(runtime)).lines(sheet)
