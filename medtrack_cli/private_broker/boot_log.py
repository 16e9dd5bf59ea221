"""Finding in RabbitMQ's log why it did not start: a failed boot prints hundreds of lines."""

import re
from collections.abc import Sequence

_SHOWN = 5  # lines
_AROUND = 100  # characters on each side of a match: Erlang prints a whole term as one line
_STAMP = re.compile(r"^\S+ \S+ \[\w+\] <[0-9.]+> ")
_CAUSES = re.compile(
    r"eaddrinuse|already_used|in use|no_reg_reply|eacces|denied|enospc|no space|not found|"
    r"\bERROR:|incompatible|unsupported",
    re.IGNORECASE,
)
_TROUBLE = re.compile(r"error|fail|crash", re.IGNORECASE)


def telling_lines(log: Sequence[str]) -> list[str]:
    """Choose the lines that name a cause, else those that mention trouble, else the last."""
    said = [_STAMP.sub("", line).strip() for line in log if "[info]" not in line]
    for pattern in (_CAUSES, _TROUBLE):
        found = [_cut(line, match) for line in said if (match := pattern.search(line))]
        if found:
            return list(dict.fromkeys(found))[:_SHOWN]
    return [line for line in said if line][-_SHOWN:]


def _cut(line: str, match: re.Match[str]) -> str:
    start, end = max(0, match.start() - _AROUND), match.end() + _AROUND
    return f"{'…' if start else ''}{line[start:end]}{'…' if end < len(line) else ''}"
