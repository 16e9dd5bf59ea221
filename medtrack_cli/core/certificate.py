"""What a certificate says of itself."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple


class Certificate(NamedTuple):
    """What a certificate says of itself; nothing of it is proved. Dates are UTC.

    `names` are those it is valid for, its subjectAltName; the `common` name doesn't count.
    `is_weak`: it is signed with a hash that nobody trusts any more. `subject` and `signer` are
    the whole names of its owner and of who signed it.
    """

    names: tuple[str, ...]
    common: str
    issuer: str
    since: datetime
    until: datetime
    is_weak: bool = False
    subject: str = ""
    signer: str = ""

    @property
    def validity(self) -> str:
        return f"valid {self.since:%Y-%m-%d %H:%M} to {self.until:%Y-%m-%d %H:%M} UTC"

    def shown(self, hide: Callable[[str], str]) -> "Certificate":
        """Give it with its texts as they may be shown."""
        return self._replace(
            names=tuple(map(hide, self.names)),
            common=hide(self.common),
            issuer=hide(self.issuer),
            subject=hide(self.subject),
            signer=hide(self.signer),
        )

    @property
    def is_valid_now(self) -> bool:
        return self.since <= datetime.now(UTC) <= self.until
