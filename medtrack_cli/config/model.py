"""The configuration a command works with: every value with its source, secrets hidden."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from medtrack_cli.config.layers import Level, Value
from medtrack_cli.config.locations import LookedAt
from medtrack_cli.config.resolve import Resolved
from medtrack_cli.config.secrets import KEY_PASSPHRASE, Missing, UnsetVariable, fetch, is_encrypted
from medtrack_cli.core.connection_settings import (
    ConnectionSettings,
    Secret,
    Target,
    TlsSettings,
    WebAddress,
)
from medtrack_cli.errors import AccessRefused, ConfigError


@dataclass(frozen=True, slots=True)
class Config:
    """The result of flags, environment and files. No password is fetched until `connection()`."""

    profile_value: Value[str]
    service_value: Value[str] | Value[None]
    schemas_value: Value[tuple[Path, ...]]
    resolved: Resolved
    key_passphrase: Value[Secret] | Value[None]
    verify: Value[bool]
    profiles: tuple[str, ...]
    files: tuple[LookedAt, ...]
    via_http: bool
    protector: str | None  # the profile that protects the broker, by its own name or its host
    prompt: Callable[[str], str] | None = field(default=None, repr=False, compare=False)

    @property
    def profile(self) -> str:
        """The name of the profile in use."""
        return self.profile_value.value

    @property
    def service(self) -> str | None:
        """The default of an event's `service`."""
        return self.service_value.value

    @property
    def exchange(self) -> str:
        """The topic exchange that events go through."""
        return self.resolved.exchange.value

    @property
    def schemas(self) -> tuple[Path, ...]:
        """The folders of added event types; relative ones start at the file that names them."""
        return self.schemas_value.value

    def values(self) -> list[tuple[str, Value[object]]]:
        """List every setting by its dotted name, always in this order.

        A password is a Secret, empty while it hasn't been fetched; None without one.
        """
        of = self.resolved
        hosts = tuple(str(host) for host in of.hosts.value)
        api = of.management_url
        return [
            ("profile", self.profile_value),
            ("service", self.service_value),
            ("schemas", self.schemas_value),
            ("hosts", Value(hosts, of.hosts.source, of.hosts.level)),
            ("port", of.port),
            ("vhost", of.vhost),
            ("username", of.username),
            ("password", self._shown_password()),
            ("exchange", of.exchange),
            ("tls", of.tls),
            ("tls.ca_file", of.ca_file),
            ("tls.cert_file", of.cert_file),
            ("tls.key_file", of.key_file),
            ("tls.key_passphrase", self.key_passphrase),
            ("tls.server_name", of.server_name),
            ("tls.verify", self.verify),
            ("management_url", Value(api.value and str(api.value), api.source, api.level)),
            ("protected", of.protected),
            ("heartbeat", of.heartbeat),
        ]

    def _shown_password(self) -> Value[Secret] | Value[None]:
        password = self.resolved.password
        if isinstance(password.value, Missing):
            return Value(None, password.source, password.level)
        if isinstance(password.value, UnsetVariable):
            return Value(None, f"{password.source}: the variable isn't set", password.level)
        return Value(Secret(""), password.source, password.level)

    @property
    def password_is_typed(self) -> bool:
        """Whether the password is on the command line, in --url."""
        return self.resolved.password.level is Level.FLAG

    @property
    def password_is_profiles(self) -> bool:
        """Whether the password is the profile's own."""
        return Level.ENVIRONMENT < self.resolved.password.level < Level.DEFAULT

    def address(self) -> dict[str, str]:
        """Say for people where events would go, without fetching a password."""
        of = self.resolved
        hosts = ", ".join(map(str, of.hosts.value))
        if self.via_http:
            hosts = str(self._api())
        vhost = of.vhost.value
        return {"broker": hosts, "vhost": vhost, "exchange": self.exchange}

    def _api(self) -> WebAddress:
        """Give the management API's address; ConfigError if it is required but unknown."""
        url = self.resolved.management_url.value
        if url is not None:
            return url
        host = self.resolved.hosts.value[0].name
        hint = f"export MEDTRACK_MANAGEMENT_URL=http://{host}:15672"
        if self.profile_value.level is Level.FLAG:
            hint = f"add `management_url: http://{host}:15672` to the profile in your configuration"
        elif self.resolved.hosts.level is Level.FLAG:
            hint = f"export MEDTRACK_URL and MEDTRACK_MANAGEMENT_URL=http://{host}:15672 together"
        what = "--via http needs the address of the management API"
        raise ConfigError(what, f"profile {self.profile}", hint=hint)

    @property
    def target(self) -> Target:
        """Name the broker, without fetching a password."""
        return self.without_secrets.target

    @property
    def without_secrets(self) -> ConnectionSettings:
        """Give all that a connection needs but its secrets; no password is fetched."""
        of = self.resolved
        tls = TlsSettings(
            of.ca_file.value, of.cert_file.value, of.key_file.value, of.server_name.value
        )
        return ConnectionSettings(
            hosts=of.hosts.value,
            vhost=of.vhost.value,
            username=of.username.value,
            exchange=of.exchange.value,
            tls=tls if of.tls.value else None,
            management_url=of.management_url.value,
            via_http=self.via_http,
            profile=self.profile,
            protected=of.protected.value,
            heartbeat=of.heartbeat.value,
            ignored=of.ignored.value or (),
        )

    def connection(self, order: random.Random | None = None) -> ConnectionSettings:
        """Fetch the password and return all that a connection needs, the hosts shuffled by `order`.

        ConfigError when there is no password or it can't be fetched.
        """
        if self.via_http:
            self._api()
        known = self.without_secrets
        hosts = list(known.hosts)
        (order or random.Random()).shuffle(hosts)  # noqa: S311 - spreads load, guards nothing
        tls = known.tls or (TlsSettings() if self.via_http else None)
        if tls:
            passphrase = self._passphrase(tls.key_file or tls.cert_file)
            tls = replace(tls, passphrase=passphrase, verify=self.verify.value)
        return replace(known, hosts=tuple(hosts), password=self._password(), tls=tls)

    def _passphrase(self, key: Path | None) -> Secret | None:
        """Get the passphrase of an encrypted private key; a plain one needs none."""
        if key is None or not is_encrypted(key):
            return None
        if self.key_passphrase.value is not None:
            return self.key_passphrase.value
        if self.prompt is not None:
            return Secret(self.prompt(f"Password of the private key {key}: "))
        hint = f"set {KEY_PASSPHRASE}, or run this on a terminal, which asks"
        raise AccessRefused("the private key is encrypted", str(key), hint=hint)

    def _password(self) -> Secret:
        password = self.resolved.password
        if not isinstance(password.value, Missing):
            return fetch(password.value)
        who = f"{self.resolved.username.value} at {self.resolved.hosts.value[0]}"
        if self.prompt is not None:
            if typed := self.prompt(f"Password for {who}: "):
                return Secret(typed)
            raise ConfigError("no password was typed", who, hint=password.value.hint)
        raise ConfigError(f"no password ({password.source})", who, hint=password.value.hint)
