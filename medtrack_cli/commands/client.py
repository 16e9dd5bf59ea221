"""medtrack client: a publisher or a consumer in the user's language."""

from medtrack_cli.commands.options import Panel, argument, command, flag
from medtrack_cli.core import clients
from medtrack_cli.core.clients import Language
from medtrack_cli.core.connection_settings import ConnectionSettings
from medtrack_cli.errors import ExitCode, UsageError
from medtrack_cli.runtime import Runtime

EXAMPLES = (
    "medtrack client python > publisher.py",
    "medtrack client node stage.created > publisher.js",
    "medtrack client java --consumer > Consumer.java",
)
_TEMPLATES = {
    Language.PYTHON: ("publisher.py", "consumer.py"),
    Language.NODE: ("publisher.js", "consumer.js"),
    Language.JAVA: ("Publisher.java", "Consumer.java"),
    Language.CURL: ("publisher.sh", ""),
}


@command("client", *EXAMPLES, effect="read", panel=Panel.SET_UP, connects=True)
def client(
    runtime: Runtime,
    language: Language = argument("LANGUAGE", "python, node, java or curl."),
    event_type: str | None = argument(
        "EVENT_TYPE",
        "A type that `medtrack schema list` names [student.created; with --consumer"
        " stage.completed].",
        default=None,
    ),
    *,
    consumer: bool = flag(Panel.WHAT, "--consumer", "A consumer, not a publisher."),
) -> int:
    """Print a publisher or consumer to begin with.

    It leads to the profile's broker. No password is in it: when it runs it reads MEDTRACK_URL, or
    else MEDTRACK_PASSWORD. docs/client.md says what it promises.
    """
    from importlib.resources import files

    known = runtime.registry.find(
        event_type or ("stage.completed" if consumer else "student.created")
    )
    if not runtime.config.verify.value:
        what = "no client is printed that accepts any certificate"
        raise UsageError(what, "--insecure", hint="--ca-file names the CAs to trust")
    name = _TEMPLATES[language][consumer]
    if not name:
        hint = "medtrack client python --consumer"
        what = "no consumer: an event that curl takes from a queue is lost when it fails"
        raise UsageError(what, language, hint=hint)
    place, service = _place(runtime, language), runtime.config.service or "my-service"
    if consumer:
        values = clients.consumer(place, known.name, service, language)
    else:
        from medtrack_cli.wiring import inputs

        event = {**inputs.shown_example(runtime, known), "service": service}
        values = clients.publisher(place, event, language)
    template = files("medtrack_cli").joinpath("clients", f"{name}.tmpl").read_text("utf-8")
    runtime.world.stdout.write(clients.filled_in(template, values, language))
    return ExitCode.DONE


def _place(runtime: Runtime, language: Language) -> ConnectionSettings:
    """Give where the profile leads, and warn of what a language leaves out of it."""
    place = runtime.config.without_secrets
    files = clients.tls_files(place)
    uses = {Language.JAVA: {"ca_file"}, Language.CURL: {"ca_file", "cert_file", "key_file"}}
    for name in files.keys() - uses.get(language, files.keys()):
        runtime.printer.warning(f"the profile's tls.{name} isn't used in {language}")
    return place
