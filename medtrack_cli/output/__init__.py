"""How things look: human text, JSON lines, reporters, escaping, masking."""
