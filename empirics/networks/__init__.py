"""Networks, how their weights begin, and what a network must be to be trained here."""
