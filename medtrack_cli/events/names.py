"""The names of fields, apart from the models so that they import fast."""

import re

ENVELOPE_FIELDS = ("event_type", "payload", "service", "timestamp", "version")
"""In the order in which medtrack writes them."""

FIELD_NAME = re.compile(r"[a-z][A-Za-z]{0,39}(?:_[a-z]{1,40}){0,5}[0-9]{0,2}")
"""The form of a field's name: any other key may be a person's name or number."""
