"""Images to train on and to ask about: sets by name, patterns, mixtures."""
