"""Infinitely wide networks: their kernels, and the law of what gradient flow makes of them.

In the limit of infinite width a deep network, too, has a closed form. Trained by gradient flow on the squared error
from random weights it computes f(x) = f₀(x) + Θ(x, x̂) Θ(x̂, x̂)⁺ (x̂ − f₀(x̂)), with Θ the neural tangent kernel and
f₀ a Gaussian process. Of a convolutional network with images as outputs, Θ is a kernel between pixels.
"""

from theory.wide.convolutional import Convolutional
from theory.wide.fixed_point import FixedPoint, fixed_point
from theory.wide.fully_connected import FullyConnected
from theory.wide.gradient_flow import GradientFlow, gradient_flow
from theory.wide.tendencies import Tendencies, tendencies
from theory.wide.torch_modules import from_torch

__all__ = [
    "Convolutional",
    "FixedPoint",
    "FullyConnected",
    "GradientFlow",
    "Tendencies",
    "fixed_point",
    "from_torch",
    "gradient_flow",
    "tendencies",
]
