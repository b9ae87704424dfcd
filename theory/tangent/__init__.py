"""A real network linearized at its own initial weights: what gradient descent makes of *this* network, nearly.

Near its initial weights θ₀ a network is f(θ₀ + δ; x) ≈ f(θ₀; x) + J(x) δ, with J the Jacobian of its outputs in its
parameters. That model is linear in δ, so all that holds of one layer holds of it, with J in place of the patch matrix:
its limit, and where it is after any number of steps. How far to trust it is measured by one forward pass, `doubt`.
"""

from theory.tangent.linearization import Linearization, linearize
from theory.tangent.prediction import LinearizedNetwork

__all__ = ["Linearization", "LinearizedNetwork", "linearize"]
