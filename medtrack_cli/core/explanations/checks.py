"""The checks of doctor: what each looks for, and what to do when it fails."""

from collections.abc import Mapping

from medtrack_cli.core.doctor.results import Check
from medtrack_cli.core.explanations.explanation import Explanation

CHECKS: Mapping[Check, Explanation] = {
    Check.CONFIG: Explanation(
        "The configuration files can be read.",
        "A file can't be opened, is not YAML, or has an unknown key: every command would"
        " end with 78, the exit code of errors of kind `config`.",
        "Fix the named place; `medtrack config check` names it, too.",
    ),
    Check.PROFILE: Explanation(
        "The profile exists, and it leads to a broker.",
        "--profile, MEDTRACK_PROFILE or default_profile names it; flags and variables "
        "take precedence over it.",
        "`medtrack config show` says where each value comes from.",
    ),
    Check.PASSWORD_SOURCE: Explanation(
        "There is a password, and it can be fetched.",
        "No source is set, a variable or a file of it is missing, a program fails, or the "
        "password belongs to another host or user and is held back.",
        "Set MEDTRACK_PASSWORD, or give the profile a password_env, password_file or "
        "password_command.",
    ),
    Check.DNS: Explanation(
        "The host's name can be resolved.",
        "The name is misspelled, or this machine asks a name server that doesn't know it.",
        "Check how the host is written, and whether this machine needs a VPN to look it up.",
    ),
    Check.TCP: Explanation(
        "The host takes connections at the port.",
        "A refused connection: nothing listens there. No answer: a firewall drops packets, or the "
        "host is away.",
        "Check the port (5672; with TLS 5671), that RabbitMQ runs, and the firewalls in between.",
    ),
    Check.PROTOCOL: Explanation(
        "The port speaks AMQP 0-9-1, with or without TLS as configured.",
        "Ports are mixed up (5672: AMQP, 5671: AMQP with TLS, 15672: management), a proxy is in"
        " the way, or the broker hangs.",
        "Check the port; amqps:// asks for TLS, amqp:// for none.",
    ),
    Check.TLS_CHAIN: Explanation(
        "The broker's certificate is signed by an authority that is trusted here.",
        "The authority is private and isn't named, the broker leaves out a link of the "
        "chain, or it wants a certificate of ours.",
        "Give the authority's certificate with --ca-file or tls.ca_file, or let the broker send"
        " the missing link.",
    ),
    Check.TLS_NAME: Explanation(
        "The certificate is for the host's name.",
        "It lists other names, or none: the common name doesn't count (RFC 9525).",
        "Connect by one of its names, or put one into the profile's tls.server_name.",
    ),
    Check.TLS_EXPIRY: Explanation(
        "The certificates are valid now, and for three weeks more.",
        "One of them has expired, expires soon, or is not valid yet; or a clock is wrong.",
        "Have the certificate renewed before it expires; nobody can connect with TLS after that.",
    ),
    Check.AMQP: Explanation(
        "The broker answers in AMQP.",
        "It names its version; heartbeat and frame size are negotiated at login.",
        "Look into the broker's log: it says why it disconnects.",
    ),
    Check.LOGIN: Explanation(
        "The broker accepts name and password.",
        "One of them is wrong, the user is gone, or may log in from the broker's own machine "
        "only (`guest`).",
        "Check user name and password: `medtrack config show` says where each came from.",
    ),
    Check.VHOST: Explanation(
        "The virtual host exists and lets the user in.",
        "Its name is misspelled, the user has no permission on it, or a limit of connections is"
        " reached.",
        "Check --vhost; `rabbitmqctl list_vhosts` and `list_permissions -p VHOST` show more.",
    ),
    Check.EXCHANGE: Explanation(
        "The exchange exists and is a durable topic exchange.",
        "MedTrack's services declare it; it is missing where none has ever run, or in another "
        "vhost. doctor declares nothing. Only the management API shows its type and durability.",
        "Check --exchange and --vhost; let one of MedTrack's services declare it: topic, "
        "durable. Set management_url to have its type checked.",
    ),
    Check.PUBLISH_RIGHT: Explanation(
        "The user may publish to the exchange.",
        "It needs the permission to write to it, and where topic permissions are set, to write "
        "each routing key. doctor publishes in a transaction and rolls it back: nobody gets "
        "anything.",
        "An administrator grants it: rabbitmqctl set_permissions, set_topic_permissions.",
    ),
    Check.TAP_RIGHT: Explanation(
        "The user may listen: declare a tap, an exclusive queue, and bind it to the exchange.",
        "It needs to configure and write queues whose name begins with medtrack.tap. and to "
        "read from the exchange.",
        "An administrator grants it; publishing needs none of it.",
    ),
    Check.READ_RIGHT: Explanation(
        "The user may take events out of a tap.",
        "It needs to read queues whose name begins with medtrack.tap.",
        "An administrator grants it; publishing needs none of it.",
    ),
    Check.ROUND_TRIP: Explanation(
        "A message sent to a queue of our own comes back, and how long that takes.",
        "It goes through the default exchange, so that nobody else can get it; with "
        "--round-trip through the event exchange, where the management API shows that nobody "
        "else would get it.",
        "Look at the broker's load and log: `rabbitmq-diagnostics status`.",
    ),
    Check.MANAGEMENT: Explanation(
        "The management API answers, with the login of AMQP.",
        "The plugin isn't on, the URL is another broker's, or the user has no tag. publish and "
        "listen do without; hints, queues and routes don't.",
        "Turn it on (`rabbitmq-plugins enable rabbitmq_management`) and set management_url, or "
        "MEDTRACK_MANAGEMENT_URL=http://HOST:15672; the user needs the tag monitoring.",
    ),
    Check.ALARMS: Explanation(
        "No alarm blocks publishers.",
        "A node is short of memory or disk: it reads nothing from publishers until that is "
        "over, and what is sent stays unconfirmed.",
        "Make room on the broker: let consumers catch up, free its disk; `rabbitmq-diagnostics "
        "alarms` lists the alarms.",
    ),
    Check.BROKER_VERSION: Explanation(
        "The broker is a RabbitMQ that medtrack is tested with.",
        "Others may work; nobody has tried.",
        "Use RabbitMQ 3.10 or newer.",
    ),
    Check.QUEUES_UNCONSUMED: Explanation(
        "Every queue that gets events is read by somebody.",
        "A service is down or gone, and its queue fills. The management API shows it; where it "
        "can't be asked, this is skipped.",
        "Start the service that reads the queue, or delete the queue if it is gone for good.",
    ),
    Check.BACKLOG: Explanation(
        "No queue has a backlog of a thousand events.",
        "A service is slower than its events arrive. The management API shows it; where it can't "
        "be asked, this is skipped.",
        "Look at the service that reads the queue: is it up, and fast enough?",
    ),
    Check.UNROUTABLE_TYPES: Explanation(
        "Every event type reaches a queue.",
        "A type that no binding matches is returned as unroutable. The management API shows "
        "it; where it can't be asked, this is skipped.",
        "Start the services that bind their queues, or publish with --allow-unroutable.",
    ),
    Check.DEPRECATED_FEATURES: Explanation(
        "Nothing is in use that a newer RabbitMQ lacks.",
        "RabbitMQ 4 removed mirrored queues, and denies more with each version. The management"
        " API shows it; where it can't be asked, this is skipped.",
        "Move to quorum queues and durable queues before the broker is upgraded.",
    ),
    Check.CLOCK: Explanation(
        "This machine's clock agrees with the broker's.",
        "Events have their publisher's time, and certificates are checked against the clock.",
        "Set the clock by NTP: `timedatectl` says whether it is.",
    ),
    Check.PAYLOAD: Explanation(
        "The events of --file are valid.",
        "This is the check that publish does before it sends anything.",
        "`medtrack validate FILE` shows every finding in its place.",
    ),
}
