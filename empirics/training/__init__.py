"""Training: many seeds of one architecture together, resumable, with their history."""
