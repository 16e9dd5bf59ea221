"""What a command is given: streams, clock, configuration, printer, and the doors to the world.

The one place that knows the adapters. Tests replace it whole.
"""

import shlex
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medtrack_cli.core.ports import Note
from medtrack_cli.errors import InputMissing, MedtrackError, UsageError
from medtrack_cli.world import World

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from medtrack_cli.broker.private import PrivateBroker
    from medtrack_cli.config.model import Config
    from medtrack_cli.config.places import LookedAt
    from medtrack_cli.core.connection import ConnectionSettings
    from medtrack_cli.core.contracts import Contract
    from medtrack_cli.core.inputs import Item
    from medtrack_cli.core.listen import Sink
    from medtrack_cli.core.messages import Message
    from medtrack_cli.core.stats import Stats
    from medtrack_cli.core.validated import Validated
    from medtrack_cli.core.where import Condition
    from medtrack_cli.events.registry import EventType, Registry
    from medtrack_cli.files.checkpoint import Checkpoint
    from medtrack_cli.files.contracts import Contracts
    from medtrack_cli.files.inputs import Input
    from medtrack_cli.files.recorder import Recorder
    from medtrack_cli.files.sources import Source
    from medtrack_cli.files.validation import Piece
    from medtrack_cli.output.printer import Printer
    from medtrack_cli.output.reporters.opening import Wanted
    from medtrack_cli.output.reporters.report import Report
    from medtrack_cli.output.terminal import Terminal


@dataclass(frozen=True)
class Runtime:
    """A command's world, seen through the options that all commands share.

    `flags` are the connection and configuration options typed, by their names.
    """

    world: World
    flags: Mapping[str, str] = field(default_factory=dict)
    output: str = "human"
    quiet: bool = False
    verbose: int = 0
    no_color: bool = False

    @cached_property
    def printer(self) -> "Printer":
        """Where the command says what it has to say."""
        world = self.world
        if self.output == "json":
            from medtrack_cli.output.json_lines import JsonPrinter

            return JsonPrinter(world.stdout, world.stderr, quiet=self.quiet)
        from medtrack_cli.output.human import HumanPrinter
        from medtrack_cli.output.style import wants_colour

        return HumanPrinter(
            world.stdin,
            world.stdout,
            world.stderr,
            quiet=self.quiet,
            verbose=self.verbose,
            colour=wants_colour(world.environ, no_color=self.no_color),
            can_draw=world.environ.get("TERM") != "dumb",
        )

    @cached_property
    def terminal(self) -> "Terminal":
        """Where a person can be asked."""
        from medtrack_cli.output.terminal import Terminal

        return Terminal(self.world.stdin, self.world.stderr)

    @cached_property
    def config(self) -> "Config":
        """Flags, environment and files, read once, when first asked for."""
        from medtrack_cli.config.loader import load

        return load(
            flags=self.flags,
            environ=self.world.environ,
            cwd=self.world.cwd,
            prompt=self.terminal.ask_secret if self.terminal.has_person else None,
        )

    def tell_what_is_set_aside(self) -> None:
        """Name the variables that lead to another broker than the profile that was typed."""
        from medtrack_cli.config.loader import set_aside

        if names := set_aside(self.flags, self.world.environ):
            self.printer.warning(f"--profile counts, not {', '.join(names)}")

    @cached_property
    def registry(self) -> "Registry":
        """The event types known: the built-in ones and those of the `schemas` folders.

        Raises BrokenSchema when a schema there can't be used.
        """
        from medtrack_cli.events.registry import built_in

        # Without a file no schemas are named, and the rest of the configuration isn't asked for.
        has_file = any(each.exists or each.kind == "explicit" for each in self.config_files())
        folders = self.config.schemas if has_file else ()
        if not folders:
            return built_in()
        from medtrack_cli.files.contracts import registry_of

        return registry_of(folders)

    def contracts(self, folders: Sequence[Path]) -> "Contracts":
        """Read the schemas of folders, and what is wrong with them."""
        from medtrack_cli.files.contracts import read_contracts

        return read_contracts(folders)

    def contracts_as_they_were(self, against: str, folders: Sequence[Path]) -> "list[Contract]":
        """Read the schemas of another folder, or of these folders at a git revision."""
        from medtrack_cli.files.contracts import contracts_as_they_were

        return contracts_as_they_were(against, folders)

    def contract(self, path: Path) -> "Contract":
        """Read one schema wherever it stands; BrokenSchema when it can't be used."""
        from medtrack_cli.files.contracts import read_contract

        return read_contract(path)

    @cached_property
    def connection(self) -> "ConnectionSettings":
        """The broker to talk to. Warns once when the password would cross a network in clear."""
        import random

        settings = self.config.connection(random.Random())  # noqa: S311 -- spreads load
        if self.config.password_is_typed:
            self.printer.warning(
                "the password in --url can be read by every user of this machine: use MEDTRACK_URL"
            )
        for warning in settings.warnings:
            self.printer.warning(warning)
        return settings

    def reach(self, timeout: float | None = None) -> "Callable[[Message], list[str] | None]":
        """Tell of messages which queues they would reach, by the management API; None: unknown.

        It is asked once, where a URL and a password are known without asking a person.
        """
        from medtrack_cli.broker.bindings import read_topology
        from medtrack_cli.broker.management import SECONDS, Unanswered
        from medtrack_cli.core.routing import foretell

        config = replace(self.config, prompt=None)
        url = config.resolved.management_url.value
        tell, why = (self.printer.note, "") if url else (self.trace, "management_url isn't set")
        try:
            if url:
                seconds = SECONDS if timeout is None else min(timeout, SECONDS)
                return foretell(read_topology(config.connection(), seconds), config.exchange)
        except Unanswered as error:
            why = f"{url} {error}"
        except MedtrackError as error:
            why = f"{url} isn't asked: {error.message}"
        if tell:
            tell(f"which queues would get them isn't known: {why}")
        return lambda _message: None

    def input(
        self,
        paths: Sequence[str],
        *,
        as_type: str | None = None,
        typed: Sequence[str] = (),
        outputs: "Sequence[tuple[Path, str]]" = (),
        allows_empty: bool = False,
    ) -> "Input":
        """Find what paths name; nothing is read yet. `typed` is JSON from the command line.

        `outputs` are the files that the run writes, each with what it is; CannotCreate where one,
        or stdout, is an input, or takes the place of events.
        """
        from medtrack_cli.files.inputs import gather
        from medtrack_cli.files.written import Written, descriptor

        if as_type is not None:
            self.registry.find(as_type)  # an unknown type is a slip of the finger: say so first
        source = gather(
            paths,
            lambda: self.world.stdin,
            registry=self.registry,
            as_type=as_type,
            typed=typed,
            written=Written(outputs, descriptor(self.world.stdout)),
            note=self.printer.note,
            warn=self.printer.warning,
            allows_empty=allows_empty,
        )
        for name in source.missing_parts():
            self.printer.warning(f"a part of the recording is missing: {name}")
        return source

    def validation(
        self, source: "Input", validated: "Validated", jobs: int | None
    ) -> "Iterator[Piece | InputMissing]":
        """Validate an input, file by file; `jobs` None chooses by its size."""
        from medtrack_cli.core.validate import Completion
        from medtrack_cli.files.validation import default_jobs, validate

        completion = Completion(source.as_type, registry=self.registry)
        return validate(source, completion, validated, jobs or default_jobs(source))

    def wanted_reports(self, outputs: Sequence[str]) -> "Sequence[Wanted]":
        """Read the -o options of validate."""
        from medtrack_cli.output.reporters.opening import parse_outputs

        return parse_outputs(outputs, self.world.environ)

    @contextmanager
    def reports(
        self, wanted: "Sequence[Wanted]", validated: "Validated", *, reveal: bool, most: int | None
    ) -> "Iterator[Report]":
        """Open the reports that are wanted, and show on a terminal how far it is."""
        from medtrack_cli.output.progress import Progress
        from medtrack_cli.output.reporters.opening import Look, opened
        from medtrack_cli.output.reporters.places import file_places
        from medtrack_cli.output.reporters.report import Report
        from medtrack_cli.output.style import wants_colour

        world = self.world
        colour = wants_colour(world.environ, no_color=self.no_color)
        places = file_places(world.environ)
        look = Look(colour, reveal, self.quiet, validated.strict, places, self._say)
        with (
            opened(wanted, world.stdout, look) as reporters,
            Progress(world.stderr, validated.so_far, quiet=self.quiet) as progress,
        ):
            yield Report(reporters, most, progress.hidden, reveal=reveal)

    def _say(self, error: InputMissing) -> None:
        self.printer.error(error)  # made only now: most validations need none

    def checkpoint(
        self, path: Path, sources: "Sequence[Source]", options: Sequence[object]
    ) -> "Checkpoint":
        """Open a checkpoint of these sources, sent with these options to this broker."""
        from medtrack_cli.files.checkpoint import Checkpoint, identify

        if not sources:
            raise UsageError("--checkpoint needs files", hint="-f FILE")
        broker = self.config.resolved
        target = [broker.exchange.value, broker.vhost.value, *sorted(map(str, broker.hosts.value))]
        return Checkpoint(path, identify(sources, [*options, *target]))

    def check_page(self, path: Path) -> None:
        """Refuse a page's place before any work is done: CannotCreate."""
        from medtrack_cli.output.stats_html import refuse_place

        refuse_place(path)

    def write_page(self, path: Path, stats: "Stats", subject: str) -> None:
        """Write statistics as a page of HTML, which takes its name when it is whole."""
        from medtrack_cli.output.reporters.opening import report_file
        from medtrack_cli.output.stats_html import stats_html

        with report_file(path) as out:
            out.write(stats_html(stats, subject))

    def keep_name(self, name: str) -> "AbstractContextManager[None]":
        """Keep a replay's name for this process; CannotCreate while another has it."""
        from medtrack_cli.files.run_lock import locked, runs_folder

        return locked(runs_folder(self.world.environ), name)

    def why_unsendable(self, message: "Message") -> str | None:
        """Say why AMQP can't carry a message; None when it can."""
        from medtrack_cli.broker.wire import why_unsendable

        return why_unsendable(message, "")

    def condition(self, expression: str) -> "Condition":
        """Read what --where wants of deliveries; UsageError with the place of what is wrong."""
        try:
            from medtrack_cli.cel import compiled
        except ImportError:  # an extra: it has no build for each Python and each system
            what = "--where needs a library that isn't installed here"
            raise UsageError(what, "cel-expr-python", hint=how_to_add("where")) from None

        return compiled(expression)

    def event_lines(self, template: str | None, *, reveal: bool, local_time: bool) -> "Sink":
        """Give what writes a line of each delivery: the body, or a template filled in."""
        from medtrack_cli.output.event_lines import bodies, filled
        from medtrack_cli.output.shown.listening import telling

        stdout, tell = self.world.stdout, telling(self.printer.show)
        if template is None:
            return bodies(stdout, tell)
        return filled(stdout, template, tell, reveal=reveal, local_time=local_time)

    def recorder(self, path: Path, *, rotate: str | None, include_replays: bool) -> "Recorder":
        """Create a recording, or go on with one; `rotate` is when a part of it ends."""
        from medtrack_cli.files.recorder import Recorder
        from medtrack_cli.files.rotation import parse_rotation

        return Recorder(
            path,
            self.world.clock,
            self.printer.note,
            warn=self.printer.warning,
            rotation=None if rotate is None else parse_rotation(rotate),
            include_replays=include_replays,
        )

    def example(self, event_type: "EventType") -> dict[str, Any] | None:
        """Give one complete event: a built-in type's sample, or an added one's first example."""
        from medtrack_cli.events.documents import example_event
        from medtrack_cli.files.samples import sample

        if event_type.document is None:
            return sample(event_type.name)
        return example_event(event_type, self.config.service or "my-service")

    def generated(
        self, event_type: str, count: int, seed: int | None, service: str | None
    ) -> "Callable[[], Iterator[Item]]":
        """Make events of a type, the same each time the result is called.

        An added type's events are all its first example.
        """
        import random
        from itertools import islice

        from medtrack_cli.core.publish import generated_items
        from medtrack_cli.events.generate import generated

        known = self.registry.find(event_type)
        example = self.example(known)
        if example is None:
            hint = "add `examples` to its schema: a list of payloads"
            raise UsageError("no example to generate events from", event_type, hint=hint)
        del example["timestamp"]
        if service:
            example["service"] = service
        chosen = random.randrange(2**32) if seed is None else seed  # noqa: S311 -- made up
        if seed is None and self.trace:
            self.trace(f"--seed {chosen} generates the same events again")
        return lambda: generated_items(islice(generated(known, example, chosen), count))

    @property
    def sample_folder(self) -> Path:
        """Where the sample events are."""
        from medtrack_cli.files.samples import sample_folder

        return sample_folder()

    def config_files(self) -> "Sequence[LookedAt]":
        """List the configuration files that are looked for."""
        from medtrack_cli.config.places import paths

        return paths(self.world.environ, self.world.cwd, self.flags.get("config"))

    def create_config(self) -> Path:
        """Create the user's configuration file."""
        from medtrack_cli.config.places import create_user_config

        return create_user_config(self.world.environ)

    def start_broker(self, name: str = "default", *, install: bool) -> "PrivateBroker":
        """Start the private broker of this name, or find it running."""
        from medtrack_cli.broker import private

        environ, note = self.world.environ, self.printer.note
        state = private.state_folder(environ, name)
        return private.start(state, environ=environ, announce=note, install=install)

    def stop_broker(self, name: str = "default", *, erase: bool = False) -> bool:
        """Stop the private broker of this name; False when none ran."""
        from medtrack_cli.broker import private

        return private.stop(private.state_folder(self.world.environ, name), erase=erase)

    def broker_status(self, name: str = "default") -> "PrivateBroker | None":
        """Look at the private broker of this name."""
        from medtrack_cli.broker import private

        return private.status(private.state_folder(self.world.environ, name))

    @property
    def trace(self) -> Note | None:
        """Where details go with -v."""
        return self.printer.note if self.verbose else None


def how_to_add(extra: str, prefix: str = sys.prefix, python: str = sys.executable) -> str:
    """Give the command that adds an extra, by what made the environment we run in."""
    installer = f"{shlex.quote(python)} -m pip install"
    if "/pipx/venvs/" in prefix:
        installer = "pipx install --force"
    elif "/uv/tools/" in prefix:
        installer = "uv tool install"
    return f"{installer} 'medtrack[{extra}]' adds it"
