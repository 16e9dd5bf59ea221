"""What a recording holds, counted."""
