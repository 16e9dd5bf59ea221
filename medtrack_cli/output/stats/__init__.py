"""What a recording contains, as text and as a page."""
