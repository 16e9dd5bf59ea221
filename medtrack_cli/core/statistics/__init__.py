"""What a recording contains, counted."""
