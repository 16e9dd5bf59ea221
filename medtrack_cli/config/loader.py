"""Flags, environment, files and built-ins become one Config."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from medtrack_cli.config.built_in import BUILT_IN, DEFAULTS, PRIVATE
from medtrack_cli.config.keys import TOP_KEYS
from medtrack_cli.config.layers import Entry, Layer, Level, Value, Written, build_layer
from medtrack_cli.config.locations import FileKind, LookedAt, expanded, paths, user_file
from medtrack_cli.config.model import Config
from medtrack_cli.config.project_rules import check_local, check_paths, check_project, check_schemas
from medtrack_cli.config.resolve import Resolved, brokers, hosts_of, merged, resolve
from medtrack_cli.config.secrets import KEY_PASSPHRASE
from medtrack_cli.config.settings_file import SettingsFile, read_settings
from medtrack_cli.core.choices import Via
from medtrack_cli.core.connection_settings import Secret
from medtrack_cli.errors import ConfigError, UnknownProfile
from medtrack_cli.suggestions import nearest_or_all

_Profiles = Mapping[str, tuple[Layer, ...]]

_FLAGS = (
    *("url", "host", "port", "vhost", "username", "exchange"),
    *("ca_file", "cert_file", "key_file", "management_url"),
)
VARIABLES = (
    *("url", "host", "port", "vhost", "username", "password", "exchange", "management_url"),
)


def load(
    *,
    flags: Mapping[str, str],
    environ: Mapping[str, str],
    cwd: Path,
    prompt: Callable[[str], str] | None = None,
    private: Callable[[], Mapping[str, str]] = dict,
) -> Config:
    """Find out what to connect to, and as which user; ConfigError where that is unclear.

    `flags` holds what was typed, by name (`ca_file` for --ca-file). Flags win over the environment,
    and that over the profile; but with a profile given by --profile, only MEDTRACK_PASSWORD of the
    environment counts. A higher URL replaces host, port, TLS and server name of the levels below;
    user, password and vhost that it leaves out come from below, a password only where `resolve`
    lets it. An empty variable counts as unset. `prompt` asks a person; `private` gives the private
    broker's settings, and is called when its built-in profile is chosen.
    """
    looked = paths(environ, cwd, flags.get("config"))
    files = [
        read_settings(place.path, place.kind)
        for place in looked
        if place.exists or place.kind is FileKind.EXPLICIT
    ]
    own = [file.profiles for file in files if file.level is Level.USER]
    for file in files:
        if file.level is Level.PROJECT:
            check_project(file, {name: each for profiles in own for name, each in profiles.items()})
    known = _all_profiles(files, environ)
    profile = _profile(flags, environ, files, known)
    if profile.value == PRIVATE and not any(PRIVATE in file.profiles for file in files):
        known[PRIVATE] = (_running(private()),)
    chosen = profile.level in {Level.FLAG, Level.ENVIRONMENT}
    levels = [_variables(environ, cwd, _left(flags)), *known[profile.value]]
    if profile.level is Level.FLAG:
        levels.append(levels.pop(0))
    resolved = resolve((_typed(flags, cwd), *levels, DEFAULTS), profile_is_chosen=chosen)
    protector = _protector(profile.value, resolved, known, _users_beside(looked, environ))
    if protector is not None and not resolved.protected.value:
        source = f"the broker is that of the protected profile {protector}"
        resolved = replace(resolved, protected=Value(value=True, source=source))
    return Config(
        profile_value=profile,
        service_value=_top(flags, environ, files, "service") or Value(None, "not set"),
        schemas_value=_schemas(files),
        resolved=resolved,
        via_http=flags.get("via") == Via.HTTP,
        protector=protector,
        key_passphrase=_key_passphrase(environ),
        verify=_verify(flags),
        profiles=tuple(known),
        files=looked,
        prompt=prompt,
    )


def set_aside(flags: Mapping[str, str], environ: Mapping[str, str]) -> list[str]:
    """Name the variables that lead elsewhere and are ignored because a profile was typed."""
    names = (f"MEDTRACK_{key.upper()}" for key in VARIABLES if key not in _left(flags))
    return [name for name in names if environ.get(name)]


def _left(flags: Mapping[str, str]) -> Sequence[str]:
    """Choose the variables that count: a typed profile decides where to connect."""
    return ("password",) if "profile" in flags else VARIABLES


def _all_profiles(
    files: Sequence[SettingsFile], environ: Mapping[str, str]
) -> dict[str, tuple[Layer, ...]]:
    """Type every profile: those of files, each over the built-in one of the same name."""
    known: dict[str, tuple[Layer, ...]] = {name: (layer,) for name, layer in BUILT_IN.items()}
    for file in files:
        for name, profile in file.profiles.items():
            layer = build_layer(profile, file.level, file.path.parent, environ)
            if file.level is Level.PROJECT:
                named = layer.get("ca_file"), layer.get("cert_file"), layer.get("key_file")
                check_paths(file.path, named)
                if name in {"local", PRIVATE}:
                    check_local(name, layer)
            known[name] = (layer, *known.get(name, ()))
    return known


def _running(private: Mapping[str, str]) -> Layer:
    source = f"built-in profile {PRIVATE}"
    entries = {key: Entry((text,), source) for key, text in private.items()}
    return build_layer(Written(entries), Level.BUILT_IN, Path("/"), {})


def _typed(flags: Mapping[str, str], cwd: Path) -> Layer:
    entries = {
        key: Entry((flags[key],), f"flag --{key.replace('_', '-')}")
        for key in _FLAGS
        if key in flags
    }
    return build_layer(Written(entries), Level.FLAG, cwd, {})


def _variables(environ: Mapping[str, str], cwd: Path, keys: Sequence[str]) -> Layer:
    names = {key: f"MEDTRACK_{key.upper()}" for key in keys}
    entries = {
        key: Entry((environ[name],), name) for key, name in names.items() if environ.get(name)
    }
    return build_layer(Written(entries), Level.ENVIRONMENT, cwd, {})


def _top(
    flags: Mapping[str, str], environ: Mapping[str, str], files: Sequence[SettingsFile], key: str
) -> Value[str] | None:
    """Find a setting that belongs to no profile; an empty one is an error."""
    found: Value[str] | None = None
    variable = f"MEDTRACK_{key.upper()}"
    file_key = "default_profile" if key == "profile" else key
    if key in flags:
        found = Value(flags[key], f"flag --{key}", Level.FLAG)
    elif text := environ.get(variable):
        found = Value(text, variable, Level.ENVIRONMENT)
    elif file := next((each for each in files if file_key in each.top), None):
        entry = file.top[file_key]
        found = Value(entry.text, entry.source, file.level)
    if found and not found.value:
        hint = "give it a value or leave it out"
        raise ConfigError("an empty value", found.source, hint=hint)
    return found


def _key_passphrase(environ: Mapping[str, str]) -> Value[Secret] | Value[None]:
    if text := environ.get(KEY_PASSPHRASE):
        return Value(Secret(text), KEY_PASSPHRASE, Level.ENVIRONMENT)
    return Value(None, "not set")


def _verify(flags: Mapping[str, str]) -> Value[bool]:
    """Check certificates unless the command line says otherwise; nothing else can."""
    if "insecure" in flags:
        return Value(value=False, source="flag --insecure", level=Level.FLAG)
    return Value(value=True, source="always, without --insecure")


def _profile(
    flags: Mapping[str, str],
    environ: Mapping[str, str],
    files: Sequence[SettingsFile],
    known: Mapping[str, object],
) -> Value[str]:
    profile = _top(flags, environ, files, "profile") or Value(
        TOP_KEYS["default_profile"].default, "default"
    )
    if profile.value not in known:
        what = f"no profile is named {profile.value}"
        near = nearest_or_all(profile.value, known)
        listed = "" if near.startswith("known") else f" known: {', '.join(known)}"
        raise UnknownProfile(what, profile.source, hint=near + listed)
    return profile


def _schemas(files: Sequence[SettingsFile]) -> Value[tuple[Path, ...]]:
    for file in files:
        if entry := file.top.get("schemas"):
            folders = tuple(file.path.parent / expanded(text) for text in entry.texts)
            if file.level is Level.PROJECT:
                check_schemas(file.path, [Value(folder, entry.source) for folder in folders])
            return Value(folders, entry.source)
    return Value((), "not set")


def _users_beside(looked: Sequence[LookedAt], environ: Mapping[str, str]) -> _Profiles:
    """Type the profiles of the user's own file when an explicit one replaces it."""
    own = user_file(environ)
    if own in looked or not own.exists:
        return {}
    file = read_settings(own.path, own.kind)
    known = _all_profiles([file], environ)
    return {name: known[name] for name in file.profiles}


def _protector(
    profile: str, resolved: Resolved, known: _Profiles, users_beside: _Profiles
) -> str | None:
    """Name the profile that protects the broker, however it is reached; None if none does.

    A broker given by a flag, a variable or a project file, even in part, may be one that another
    profile protects. A user's profile decides for itself, but one of an explicit file can't
    overrule the user's own file.
    """
    if resolved.protected.value:
        return profile
    of = resolved
    speaks_for_itself = min(of.hosts.level, of.port.level, of.vhost.level) >= Level.USER
    others = [*(() if speaks_for_itself else known.items()), *users_beside.items()]
    reached = brokers(resolved.hosts.value)
    return next((name for name, layers in others if _is_guard(layers, reached)), None)


def _is_guard(layers: Sequence[Layer], reached: set[str]) -> bool:
    whole = merged((*layers, DEFAULTS))
    return whole["protected"].value and not reached.isdisjoint(brokers(hosts_of(whole)))
