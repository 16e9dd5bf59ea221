"""Where a password comes from, and how it is fetched: only when something connects."""

import os
import shlex
import stat
from dataclasses import dataclass
from pathlib import Path

from medtrack_cli import programs
from medtrack_cli.core.connection_settings import Secret
from medtrack_cli.errors import ConfigError

KEY_PASSPHRASE = "MEDTRACK_KEY_PASSPHRASE"  # noqa: S105 -- its name
_COMMAND_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Missing:
    """There is no password to use: the reason, and what would help."""

    reason: str
    hint: str


@dataclass(frozen=True, slots=True)
class UnsetVariable:
    """A password_env whose variable isn't set."""

    name: str
    source: str


@dataclass(frozen=True, slots=True)
class PasswordFile:
    """A file whose only line is the password."""

    path: Path
    source: str


@dataclass(frozen=True, slots=True)
class PasswordCommand:
    """A program that prints the password; never run by a shell."""

    arguments: tuple[str, ...]
    source: str


PasswordOrigin = Secret | UnsetVariable | PasswordFile | PasswordCommand


def fetch(origin: PasswordOrigin) -> Secret:
    """Get the password itself; ConfigError when it can't be had."""
    match origin:
        case Secret():
            return sendable(origin, "the password")
        case UnsetVariable(name, source):
            raise ConfigError(
                f"{name}, the password's variable, is not set", source, hint=f"export {name}"
            )
        case PasswordFile(path, source):
            return _from_file(path, source)
        case PasswordCommand(arguments, source):
            return _from_command(arguments, source)


def require_own(path: Path, mode: int) -> None:
    """Refuse a file that everybody can write: anybody may have written it."""
    if stat.S_ISREG(mode) and mode & stat.S_IWOTH:
        what = "the configuration can be written by every user"
        raise ConfigError(what, str(path), hint=f"chmod o-w {shlex.quote(str(path))}")


def require_private(path: Path, mode: int) -> None:
    """Refuse a file with a secret that the group or others can access, as ssh does."""
    if stat.S_IMODE(mode) & 0o077:
        what = "a file with a password in it is open to other users"
        raise ConfigError(what, str(path), hint=f"chmod 600 {shlex.quote(str(path))}")


def is_encrypted(key: Path) -> bool:
    """Return whether a private key needs a passphrase; an unreadable one is reported elsewhere."""
    try:
        return b"ENCRYPTED" in key.read_bytes()  # in both PEM formats, the old one and PKCS #8
    except OSError:
        return False


def sendable(password: Secret, subject: str) -> Secret:
    """Refuse a password that isn't UTF-8; a variable may hold any bytes."""
    try:
        password.reveal().encode()
    except UnicodeEncodeError:
        pass  # its message quotes the text
    else:
        return password
    raise ConfigError("a password that isn't UTF-8", subject, hint="check how it was typed or set")


def _from_file(path: Path, source: str) -> Secret:
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            raw = file.read(64 * 1024)
    except OSError as error:
        what = f"can't read the password file of {source} ({error.strerror})"
        raise ConfigError(what, str(path), hint="check the path and its permissions") from None
    require_private(path, mode)
    return _password(raw, str(path))


def _from_command(arguments: tuple[str, ...], source: str) -> Secret:
    """Run the password's command, without the events' stdin and our variables.

    What it prints on stderr stays hidden: it may quote the secret.
    """
    hint = f"run it yourself to see what it says: {arguments[0]} …"
    try:
        done = programs.run(arguments, seconds=_COMMAND_SECONDS)
    except TimeoutError:
        what = f"the password command took over {_COMMAND_SECONDS:.0f} s"
        raise ConfigError(what, source, hint=hint) from None
    except OSError as error:
        what = f"can't run the password command ({error.strerror})"
        raise ConfigError(what, source, hint="check its path") from None
    if done.returncode:
        raise ConfigError(f"the password command ended with {done.returncode}", source, hint=hint)
    return _password(done.stdout, source)


def _password(raw: bytes, subject: str) -> Secret:
    try:
        text = raw.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        text = ""
    if not text or "\n" in text or "\0" in text:
        what = "not one line of UTF-8 where the password is wanted"
        raise ConfigError(what, subject, hint="it must hold or print the password and nothing else")
    return Secret(text)
