"""Act once: every activity says what its second run does."""
