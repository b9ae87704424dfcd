"""Figures of what theory adds: theorems beside trained networks, ranks, dynamics, depth, conditions."""
