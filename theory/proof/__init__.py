"""The checker of derivations: steps, and the rules that prove them. It imports nothing else of theory."""
