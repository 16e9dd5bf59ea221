"""What a recording holds, as text and as a page."""
