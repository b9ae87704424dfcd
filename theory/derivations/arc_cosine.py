"""ReLU's dual activations: what it makes of the covariance of two Gaussian variables, and of their difference.

The integrals are those of Cho and Saul (NeurIPS 2009), arc-cosine kernels of degrees 0 and 1; the forms in half the
angle, which keep their digits where two inputs are nearly alike, and the recursion of the difference are ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sympy import Basic, Eq, Integer, Integral, Rational, Symbol, cos, exp, expand, oo, pi, sin, symbols

from theory.derivations.linear_model import equation
from theory.proof.derivation import Derivation
from theory.proof.rules import Algebra
from theory.proof.series import Integration
from theory.proof.steps import Assumption, Rule, Step
from theory.proof.vanishing import vanishes

__all__ = ["D", "D_relu", "a", "b", "f", "g", "half", "j", "kappa", "kappa_dot", "square"]

a, b, r = symbols("a b r", positive=True)  # a² and b² are the variances
half = Symbol("alpha", real=True)  # half the angle
phi = Symbol("varphi", real=True)
kappa, kappa_dot, square = symbols(r"\kappa \dot{\kappa} m_2", real=True)
D, D_relu, K = symbols(r"D D_{\mathrm{relu}} K", real=True)
g, f, j = symbols("g f j", real=True)
g_relu, R, sigma_b = symbols(r"g_{\mathrm{relu}} R \sigma_b", real=True)
theta = 2 * half


@dataclass(frozen=True)
class Euler(Rule):
    """An equation between sines and cosines, by Euler's formula: a question about rational functions of exponentials.

    The premises say what a symbol is (`symbol = …`), and are put in.
    """

    name: ClassVar[str] = "Euler's formula"

    def prove(self, statement: Basic) -> bool | None:
        """Put the premises in, rewrite, and decide whether the difference of the sides vanishes."""
        if not isinstance(statement, Eq):
            return None
        gap = statement.lhs - statement.rhs
        for premise in reversed(self.premises):
            if not (isinstance(premise, Eq) and premise.lhs.is_Symbol and not premise.rhs.has(premise.lhs)):
                return None
            gap = gap.xreplace({premise.lhs: premise.rhs})
        return vanishes(expand(gap.rewrite(exp)))


wedge = (phi, theta - pi / 2, pi / 2)
half_line = (r, Integer(0), oo)
gaussian = exp(-(r**2) / 2)
radial = Integral(r**3 * gaussian, half_line)
radial_plain = Integral(r * gaussian, half_line)
turned = cos(phi) * cos(phi - theta)
split = (cos(theta) + cos(2 * phi - theta)) / 2
angular, angular_plain = Integral(split, wedge), Integral(Integer(1), wedge)
angular_square = Integral((1 + cos(2 * phi)) / (2 * pi), (phi, -pi / 2, pi / 2))

definition = equation(kappa, a * b / (2 * pi) * radial * angular)
definition_dot = equation(kappa_dot, radial_plain * angular_plain / (2 * pi))
definition_square = equation(square, a**2 / 2 * radial * angular_square)
covariance = equation(K, a * b * cos(theta))
difference = equation(D, a**2 + b**2 - 2 * K)
difference_relu = equation(D_relu, a**2 / 2 + b**2 / 2 - 2 * kappa)
near, far = equation(g, 4 * a * b * sin(half) ** 2), equation(f, 4 * a * b * cos(half) ** 2)
jump = equation(j, 4 * a * b * sin(half) * cos(half) - half * (f - g))

product = equation(turned, split)
product_square = equation(cos(phi) ** 2, (1 + cos(2 * phi)) / 2)
radial_value, radial_plain_value = equation(radial, Integer(2)), equation(radial_plain, Integer(1))
angular_value = equation(angular, (sin(theta) + (pi - theta) * cos(theta)) / 2)
angular_plain_value = equation(angular_plain, pi - theta)
angular_square_value = equation(angular_square, Rational(1, 2))
closed = equation(kappa, a * b / (2 * pi) * (sin(theta) + (pi - theta) * cos(theta)))
closed_dot = equation(kappa_dot, Rational(1, 2) - half / pi)
closed_square = equation(square, a**2 / 2)
stable = equation(kappa, (f - g) / 8 + j / (4 * pi))
apart = equation(D, (a - b) ** 2 + g)
carried = equation(D_relu, D / 2 - j / (2 * pi))
gap_relu = equation(g_relu, D_relu - (a - b) ** 2 / 2)
gap_carried = equation(g_relu, g / 2 - j / (2 * pi))
with_bias = equation(R**2, (a**2 + sigma_b**2) * (b**2 + sigma_b**2))
bias_gap = equation((R - a * b - sigma_b**2) * (R + a * b + sigma_b**2), sigma_b**2 * (a - b) ** 2)
complement = equation(f, 4 * a * b - g)
roots = equation(g * f, (4 * a * b * sin(half) * cos(half)) ** 2)

ASSUMPTIONS = (
    Assumption(
        "$u$ and $v$ are Gaussian with mean zero, variances $a^2$ and $b^2$, and the angle $2 \\alpha$ between them, "
        "$0 \\le \\alpha \\le \\pi / 2$: the covariance is",
        covariance,
    ),
    Assumption(
        "In polar coordinates of a plane with the standard normal law, of density $r e^{-r^2/2} / (2 \\pi)$, let $u = "
        "a r \\cos \\varphi$ and $v = b r \\cos(\\varphi - 2 \\alpha)$. Both are positive for $2 \\alpha - \\pi / 2 < "
        "\\varphi < \\pi / 2$. With the product of cosines as a sum (first step), $\\kappa = \\mathrm{E} \\, "
        "\\mathrm{relu}(u) \\, \\mathrm{relu}(v)$ is",
        definition,
    ),
    Assumption("and $\\dot{\\kappa} = \\mathrm{E} \\, 1[u > 0] \\, 1[v > 0]$ is", definition_dot),
    Assumption(
        "and $m_2 = \\mathrm{E} \\, \\mathrm{relu}(u)^2$ is, with the square of the cosine so,", definition_square
    ),
    Assumption("The difference has the variance", difference),
    Assumption("and that of the outputs, by the second moments $a^2/2$ and $b^2/2$,", difference_relu),
    Assumption("Let $g$, $f$ and $j$ stand for", near),
    Assumption("and", far),
    Assumption("and", jump),
    Assumption("and, as the outputs' square root of variances are $a / \\sqrt{2}$ and $b / \\sqrt{2}$,", gap_relu),
    Assumption("With biases of variance $\\sigma_b^2$ the product of the square roots of variances is", with_bias),
)
STEPS = (
    Step("Product of cosines", product, Euler(), "The addition theorem."),
    Step("Square of a cosine", product_square, Euler(), "The same with one angle."),
    Step("The radius, with two factors", radial_value, Integration(), "Of $u$ and $v$ each has one."),
    Step("The radius alone", radial_plain_value, Integration(), "Rayleigh's law is one."),
    Step("The wedge where both are positive", angular_value, Integration(), "Integrate."),
    Step("Its opening", angular_plain_value, Integration(), "$\\pi$ less the angle."),
    Step("The half plane", angular_square_value, Integration(), "Half the directions, half the square."),
    Step(
        "The arc-cosine kernel of degree 1",
        closed,
        Algebra((definition, radial_value, angular_value)),
        "Radius times angle.",
    ),
    Step(
        "The arc-cosine kernel of degree 0",
        closed_dot,
        Algebra((definition_dot, radial_plain_value, angular_plain_value)),
        "The share of directions in which both units are active.",
    ),
    Step(
        "The second moment",
        closed_square,
        Algebra((definition_square, radial_value, angular_square_value)),
        "Half the variance.",
    ),
    Step("Sine and cosine", complement, Euler((near, far)), "Pythagoras."),
    Step("The two squares", roots, Algebra((near, far)), "So $\\sqrt{g f}$ is the first term of $j$."),
    Step(
        "In half the angle",
        stable,
        Euler((near, far, jump, closed)),
        "No difference of nearly equal numbers is left where $\\alpha$ is small, nor an arc cosine.",
    ),
    Step("Variance of the difference", apart, Euler((covariance, near, difference)), "The square completed."),
    Step(
        "The difference is carried on",
        carried,
        Algebra((difference_relu, stable, complement, apart)),
        "So a network can be followed in $D$ alone, and the angle taken from it.",
    ),
    Step(
        "The gap is carried on",
        gap_carried,
        Algebra((gap_relu, carried, apart)),
        "Or in $g$ alone, which no difference of variances hides.",
    ),
    Step(
        "What biases add to it",
        bias_gap,
        Algebra((with_bias,)),
        "$2 (R - K)$ grows by twice $R - (a b + \\sigma_b^2)$, a quotient without cancellation.",
    ),
)


def derivation() -> Derivation:
    """ReLU's dual activations, in forms that keep their digits."""
    return Derivation(
        name="arc-cosine",
        title="What ReLU makes of Gaussian pairs",
        statement=(closed, closed_dot, closed_square, stable, apart, carried, gap_carried, bias_gap),
        assumptions=ASSUMPTIONS,
        steps=STEPS,
        source="Cho and Saul 2009 (arc-cosine kernels); the forms in half the angle are ours",
        result={"covariance": stable.rhs, "derivative": closed_dot.rhs, "difference": carried.rhs},
        remarks=(
            "Leaky ReLU of slope $s$ is $s$ times the identity plus $1 - s$ times ReLU: $\\kappa$, $\\dot{\\kappa}$ "
            "and the difference become $s$ times the identity's plus $(1 - s)^2$ times these.",
        ),
    )
