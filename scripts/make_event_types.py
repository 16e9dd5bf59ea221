#!/usr/bin/env python3
"""Write medtrack_cli/events/built_in.json, read off the models of events, or --check it."""

import json

from generated import write_or_check

from medtrack_cli.events.models import described

text = json.dumps(described(), indent=1, ensure_ascii=False)
write_or_check("medtrack_cli/events/built_in.json", f"{text}\n")
