"""Figures of "Identity Crisis" (Zhang et al., ICLR 2020), by their numbers there."""
