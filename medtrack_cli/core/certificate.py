"""What a certificate says."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple


class Certificate(NamedTuple):
    """What a certificate says; nothing of it is verified. Dates are UTC.

    `names` are those it is valid for, its subjectAltName; the `common` name doesn't count.
    `is_weak`: it is signed with an insecure hash. `subject` and `signer` are the full names of its
    owner and its issuer.
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
        """Give it with its texts made safe to show."""
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
