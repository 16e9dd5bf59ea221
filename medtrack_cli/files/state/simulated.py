"""What the simulated services have done: one SQLite file, for its owner alone.

A kill leaves each event's effects whole or not there at all.
"""

import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

from medtrack_cli.core.simulating.completions import Completion
from medtrack_cli.core.simulating.reactions import TABLES, Keep
from medtrack_cli.errors import (
    CannotCreate,
    CannotWrite,
    InputMissing,
    MedtrackError,
    NotARecording,
)

VERSION = 1
BUSY_SECONDS = 10.0  # that another run may write

_COMMON = ("service", "event_type", "cause", "at")
_OUTBOX = Completion._fields
_DAMAGED = {"SQLITE_NOTADB", "SQLITE_CORRUPT", "SQLITE_ERROR", "SQLITE_SCHEMA", "SQLITE_MISMATCH"}
_CLOSED = {"SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_PERM", "SQLITE_AUTH"}
_RESET = "`medtrack simulate reset` removes it, with all that the services have done"


def _schema() -> Iterator[str]:
    for name, table in TABLES.items():
        columns = ", ".join([f"{table.key} PRIMARY KEY", *_columns(name)[1:]])
        yield f"CREATE TABLE {name} ({columns}) WITHOUT ROWID"
        for each in ("student_id", "user_id", "stage_id"):
            if each in table.columns and each != table.key:
                yield f"CREATE INDEX {name}_{each} ON {name} ({each})"
    yield "CREATE TABLE handled (service, cause, at, PRIMARY KEY (service, cause)) WITHOUT ROWID"
    yield f"CREATE TABLE outbox (stage_id PRIMARY KEY, {', '.join(_OUTBOX[1:])})"
    yield f"PRAGMA user_version = {VERSION}"


def _columns(table: str) -> tuple[str, ...]:
    return (*TABLES[table].columns, *_COMMON)


class SimulatedState:
    """The file, open; made when it isn't there, unless it `must_be`: InputMissing then."""

    def __init__(self, path: Path, *, must_be: bool = False) -> None:
        self.path = path
        if must_be and not path.exists():
            hint = "`medtrack simulate run` lets the services stand in"
            raise InputMissing("no service was simulated on this broker yet", str(path), hint=hint)
        self._make_file()
        with self._told():
            self._db = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
            self._db.row_factory = sqlite3.Row
            try:
                self._prepare()
            except BaseException:
                self._db.close()
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    def _make_file(self) -> None:
        """Make the file so that nobody else can read it, not for a moment; SQLite's own follow."""
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600))
        except OSError as error:
            what = f"the state of the simulated services can't be opened ({error.strerror})"
            hint = "XDG_STATE_HOME names another place"
            raise CannotCreate(what, str(self.path), hint=hint) from None

    def _prepare(self) -> None:
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")  # a kill loses nothing with it
        with self._transaction():
            version = self._db.execute("PRAGMA user_version").fetchone()[0]
            if version == 0:
                for each in _schema():
                    self._db.execute(each)
            elif version != VERSION:
                what = "the state of the simulated services is of another medtrack"
                raise NotARecording(what, str(self.path), hint=_RESET)

    def handle(
        self,
        service: str,
        cause: str,
        event_type: str,
        at: str,
        rows: Sequence[tuple[str, Mapping[str, Any]]],
    ) -> Sequence[bool] | None:
        with self._told(), self._transaction():
            new = "INSERT OR IGNORE INTO handled VALUES (?, ?, ?)"
            if not self._db.execute(new, (service, cause, at)).rowcount:
                return None
            common = dict(zip(_COMMON, (service, event_type, cause, at), strict=True))
            return [self._insert(table, {**row, **common}) for table, row in rows]

    def _insert(self, table: str, row: Mapping[str, Any]) -> bool:
        how = {Keep.FIRST: "IGNORE", Keep.LAST: "REPLACE"}[TABLES[table].keep]
        columns = ", ".join(f":{each}" for each in _columns(table))
        done = self._db.execute(f"INSERT OR {how} INTO {table} VALUES ({columns})", row)  # noqa: S608 -- names of ours
        return done.rowcount > 0

    def count(self, table: str) -> int:
        return int(self._ask(f"SELECT count(*) AS n FROM {table}")[0]["n"])  # noqa: S608 -- a name of ours

    def rows(self, table: str, **wanted: str) -> list[dict[str, Any]]:
        """Give a table's rows with these values, in the order in which they came."""
        where = " AND ".join(f"{name} = :{name}" for name in wanted) or "1"
        return self._ask(f"SELECT * FROM {table} WHERE {where} ORDER BY at, cause", wanted)  # noqa: S608 -- names of ours

    def student_of(self, stage_id: str) -> str | None:
        """Give whose a stage is; None where no event was about it."""
        known = self._stages("stage_id = :id", {"id": stage_id})
        return known[0]["student_id"] if known else None

    def ended(self, until: str) -> list[tuple[str, str]]:
        """Give the stages, each with its student, that came up to then and aren't completed."""
        left = "stage_id NOT IN (SELECT stage_id FROM outbox) AND at <= :until"
        found = self._stages(left, {"until": until})
        return [(each["stage_id"], each["student_id"]) for each in found]

    def _stages(self, where: str, values: Mapping[str, str]) -> list[dict[str, Any]]:
        parts = " UNION ALL ".join(
            f"SELECT stage_id, student_id, at FROM {each} WHERE event_type LIKE 'stage.%'"  # noqa: S608 -- names of ours
            for each in ("templates", "notifications")
        )
        query = f"SELECT stage_id, student_id, min(at) AS at FROM ({parts}) GROUP BY stage_id"  # noqa: S608 -- names of ours
        return self._ask(f"SELECT * FROM ({query}) WHERE {where} ORDER BY at", values)  # noqa: S608 -- names of ours

    def put(self, made: Completion) -> Completion:
        """Put a completion into the outbox; give the one that is there, if a stage has one."""
        with self._told(), self._transaction():
            self._db.execute("INSERT OR IGNORE INTO outbox VALUES (?, ?, ?, ?, ?, ?)", made)
        return self.outbox(made.stage_id)[0]

    def outbox(self, stage_id: str | None = None) -> list[Completion]:
        """Give what is to be sent still, or the one of a stage."""
        where = "sent_at IS NULL" if stage_id is None else "stage_id = :id"
        rows = self._ask(f"SELECT * FROM outbox WHERE {where} ORDER BY made_at", {"id": stage_id})  # noqa: S608 -- words of ours
        return [Completion(**each) for each in rows]

    def sent(self, message_id: str, at: str) -> None:
        """Note that the broker has confirmed a completion."""
        with self._told(), self._transaction():
            values = (at, message_id)
            self._db.execute("UPDATE outbox SET sent_at = ? WHERE message_id = ?", values)

    def _ask(self, query: str, values: Mapping[str, object] = {}) -> list[dict[str, Any]]:
        with self._told():
            return [dict(each) for each in self._db.execute(query, values)]

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):  # a full disk has rolled it back already
                self._db.execute("ROLLBACK")
            raise

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Say in our words what SQLite fails with."""
        try:
            yield
        except sqlite3.Error as error:
            raise _failure(error, self.path) from None


def _failure(error: sqlite3.Error, path: Path) -> MedtrackError:
    name = getattr(error, "sqlite_errorname", "")
    kind = "_".join(name.split("_")[:2])
    what, subject = "the state of the simulated services", str(path)
    if kind in _DAMAGED:
        return NotARecording(f"{what} is damaged ({error})", subject, hint=_RESET)
    if kind in _CLOSED:
        hint = "may you write to that folder? XDG_STATE_HOME names another place"
        return CannotCreate(f"{what} can't be opened ({error})", subject, hint=hint)
    hint = "make room on that disk; nothing is acknowledged that isn't stored"
    if kind == "SQLITE_BUSY":
        hint = "another process holds it: end that first"
    return CannotWrite(f"{what} can't be written ({error})", subject, hint=hint)


def remove(path: Path) -> bool:
    """Remove the file and what SQLite keeps beside it; return whether there was one."""
    was_there = os.path.lexists(path)
    try:
        for each in ("", "-wal", "-shm", "-journal"):
            Path(f"{path}{each}").unlink(missing_ok=True)
    except OSError as error:
        what = f"the state of the simulated services can't be removed ({error.strerror})"
        raise CannotCreate(what, str(path), hint="may you write to that folder?") from None
    return was_there
