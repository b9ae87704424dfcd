"""Sweeps: many trainings, each done once and kept, their results as one table."""
