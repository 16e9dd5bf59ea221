"""The rules of findings."""

from medtrack_cli.core.explanations.explanation import Explanation
from medtrack_cli.events.findings import Rule

RULES: dict[Rule, Explanation] = {
    Rule.JSON_SYNTAX: Explanation(
        "The text is not JSON.",
        "Events are JSON by RFC 8259. NaN, Infinity, comments and trailing commas are not part of "
        "it, though some parsers accept them.",
        "Fix the text at the named place.",
        '{"score": NaN}',
        '{"score": 85}',
    ),
    Rule.YAML_SYNTAX: Explanation(
        "The text is not YAML, or YAML that an event file may not use.",
        "Tags, anchors and aliases are refused: they let text mean something else than it "
        "says, and a small file that unfolds into a huge one.",
        "Fix the text at the named place; write shared values out in full.",
        "service: !!str my-service",
        "service: my-service",
    ),
    Rule.DUPLICATE_KEY: Explanation(
        "An object has a key twice.",
        "Most parsers keep the last value and say nothing, some the first: two services would "
        "read two different events.",
        "Delete one of the two.",
        '{"cin": "AB123456", "cin": "CD123456"}',
        '{"cin": "AB123456"}',
    ),
    Rule.NOT_AN_EVENT: Explanation(
        "This is not an event.",
        "An event is an object with event_type, payload, service, timestamp and version.",
        "Give the whole event, or check a bare payload with --as EVENT_TYPE.",
        '["student.created"]',
        '{"event_type": "student.created", "payload": {}}',
    ),
    Rule.MISSING_FIELD: Explanation(
        "A required field is missing.",
        "Every field of the envelope and nearly every field of a payload is required.",
        "Add it: `medtrack schema show EVENT_TYPE` lists the fields.",
        '{"event_type": "student.deleted", "payload": {"student_id": "…"}}',
        '{"event_type": "student.deleted", "payload": {"student_id": "…", "user_id": "…"}}',
    ),
    Rule.UNKNOWN_FIELD: Explanation(
        "This field is not known.",
        "A field that no consumer knows is most often a known one misspelled, and then the real "
        "one is missing.",
        "Write the field's name as it is known, or leave it out.",
        '{"studnet_id": "…"}',
        '{"student_id": "…"}',
    ),
    Rule.WRONG_TYPE: Explanation(
        "The value has another JSON type than the field.",
        'Nothing is converted: "85" is a string and not a score, 1 is not a boolean.',
        "Write the value as the field's type, and fix the program that wrote it.",
        '{"score": "85"}',
        '{"score": 85}',
    ),
    Rule.BAD_FORMAT: Explanation(
        "The text does not have the field's format.",
        "Ids are hyphenated UUIDs, dates ISO 8601, timestamps RFC 3339, phone numbers + and 7 to "
        "15 digits; the message names the format.",
        "Write it in the format that the message names.",
        '{"start_date": "2025-02-30"}',
        '{"start_date": "2025-02-28"}',
    ),
    Rule.OUT_OF_RANGE: Explanation(
        "The number is too small or too large.",
        "A score is a number from 0 to 100.",
        "Correct the number: the message names the limits.",
        '{"score": 101}',
        '{"score": 100}',
    ),
    Rule.UNKNOWN_EVENT_TYPE: Explanation(
        "No such event type is known.",
        "No consumer listens to a type that `medtrack schema list` does not show.",
        "Correct the name, or add the type's schema to a folder that `schemas` names.",
        '{"event_type": "student.craeted"}',
        '{"event_type": "student.created"}',
    ),
    Rule.UNKNOWN_VERSION: Explanation(
        "The event type has no version of this major number.",
        "A new major version may mean anything, so the event can't be judged.",
        "Use a version that `medtrack schema list` shows, or add its schema.",
        '{"version": "2.0"}',
        '{"version": "1.0"}',
    ),
    Rule.ROUTING_KEY_MISMATCH: Explanation(
        "The routing key differs from event_type.",
        "Queues are bound to event types by the routing key: with another key the event reaches "
        "services that don't want it and misses those that do.",
        "Publish with the event's own type as the key.",
        "routing key student.created, event_type user.created",
        "routing key user.created, event_type user.created",
    ),
    Rule.TOO_LARGE: Explanation(
        "The event is larger than 16 MiB.",
        "RabbitMQ 4 refuses larger messages by default.",
        "Send a reference to the data instead.",
        "20 MiB of text in one field",
        "an id by which the text can be fetched",
    ),
    Rule.TOO_DEEP: Explanation(
        "Objects and lists are nested deeper than 64 levels.",
        "Events are flat; a text this deep is made to exhaust a parser.",
        "Flatten it.",
        '{"a": {"a": {"a": …}}}',
        '{"updated_fields": ["email"]}',
    ),
    Rule.BAD_ENCODING: Explanation(
        "The text is not UTF-8, or not in the encoding it is said to be in.",
        "JSON is UTF-8 by RFC 8259. Half a surrogate pair, written as an escape, is no text "
        "either; nor is a body that a message's content_encoding wrongly calls gzip.",
        "Save the file as UTF-8; have the program that compresses name what it does.",
        '{"first_name": "\\ud800"}',
        '{"first_name": "\\ud83d\\ude00"}',
    ),
    Rule.INVALID_VALUE: Explanation(
        "The value is not one that the schema allows.",
        "Anything else that a schema forbids: an empty updated_fields, a value outside a list of "
        "allowed ones, a length.",
        "Use a value that the message allows.",
        '{"updated_fields": []}',
        '{"updated_fields": ["email"]}',
    ),
    Rule.NAIVE_TIMESTAMP: Explanation(
        "The timestamp has no offset.",
        "It counts as UTC, which is right for Python's utcnow().isoformat() and wrong for a "
        "local time.",
        "Add Z, or the offset of the local time.",
        '{"timestamp": "2025-01-15T10:00:00"}',
        '{"timestamp": "2025-01-15T10:00:00Z"}',
    ),
    Rule.NEWER_MINOR_VERSION: Explanation(
        "The event has a newer minor version than the newest known one.",
        "It was checked by the newest known version. Fields that are new in it count as unknown.",
        "Update medtrack, or add the new version's schema.",
        '{"version": "1.7"}',
        '{"version": "1.0"}',
    ),
    Rule.EMITTED_BY_MEDTRACK: Explanation(
        "MedTrack itself emits this type.",
        "Other services listen to it. Publishing one tells everybody that MedTrack said so.",
        "Listen to it; publish it only to a broker of your own, to test listeners.",
        "medtrack publish -f stage.completed.json",
        "medtrack listen stage.completed",
    ),
    Rule.UNREAD_ENCODING: Explanation(
        "The message names a content_encoding that is not read.",
        "Bodies in gzip and deflate are decompressed to be checked; one in any other encoding is "
        "checked as it came.",
        "Send it in gzip or deflate, or uncompressed.",
        "content_encoding: br",
        "content_encoding: gzip",
    ),
    Rule.EMPTY_INPUT: Explanation(
        "The input holds no event.",
        "Often the program that should have written it has failed. Where no other input holds an "
        "event, the run ends with 66.",
        "Look at what should have written it; --allow-empty accepts it.",
        "[]",
        '[{"event_type": "student.created", "payload": {}}]',
    ),
}
