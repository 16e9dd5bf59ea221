"""The rules of `topology lint`."""

from medtrack_cli.events.findings import AnyRule


class TopologyRule(AnyRule):
    """The stable ids of everything that can be wrong with a topology."""

    QUEUE_WITHOUT_CONSUMER = "queue_without_consumer"
    UNBOUND_QUEUE = "unbound_queue"
    TYPE_NOBODY_HEARS = "type_nobody_hears"
    BINDING_MATCHES_NO_TYPE = "binding_matches_no_type"
    DUPLICATE_BINDING = "duplicate_binding"
    MISSING_DEAD_LETTER = "missing_dead_letter"
    DEAD_LETTER_ROUTES_NOWHERE = "dead_letter_routes_nowhere"
    DEAD_LETTER_CIRCLE = "dead_letter_circle"
    UNBOUNDED_QUEUE = "unbounded_queue"
    EXPIRING_WITHOUT_DEAD_LETTER = "expiring_without_dead_letter"
    TRANSIENT_QUEUE = "transient_queue"
    REMOVED_ARGUMENT = "removed_argument"
    MIRRORED_POLICY = "mirrored_policy"
    POLICY_MATCHES_NOTHING = "policy_matches_nothing"
    STREAM_ON_EVENT_EXCHANGE = "stream_on_event_exchange"

    @property
    def is_warning(self) -> bool:
        return self not in _ERRORS


_ERRORS = frozenset(
    {
        TopologyRule.TYPE_NOBODY_HEARS,
        TopologyRule.DEAD_LETTER_ROUTES_NOWHERE,
        TopologyRule.DEAD_LETTER_CIRCLE,
    }
)
"""With these, messages are certainly lost."""
