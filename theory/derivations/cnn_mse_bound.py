"""Theorem 2's bound on the squared error, every constant explicit: what holds with probability 1 − δ, for all inputs at once.

The chain: rows of the patch matrix are short (Cauchy and Schwarz); the error splits into a target's and a random part
(Young); the random part has the tail of a chi-square variable (theory/derivations/chi_square_tail.py).
"""

from __future__ import annotations

from sympy import Identity, Implies, Indexed, IndexedBase, Integer, Le, MatrixSymbol, Min, Sum, Symbol, ZeroMatrix, sqrt

from theory.derivations import chi_square_tail, cnn_expected_mse
from theory.derivations.chi_square_tail import L, random_part, tau, variance
from theory.derivations.cnn_expected_mse import V, d, expected, mean_square, null_space, orthonormal, reads_null_space, start
from theory.derivations.derivation import Assumption, Derivation, Step
from theory.derivations.expectation import Expectation
from theory.derivations.expressions import SquaredNorm, matrix_sequence, scalar_sequence
from theory.derivations.inequalities import Inequality
from theory.derivations.linear_model import c, equation, p, transposed
from theory.derivations.patch_model import A, N, Theta_star, q
from theory.derivations.probability import Conditional, LeastOf, MatrixInstance, slack, total
from theory.derivations.rules import Algebra, Rewriting
from theory.derivations.series import Termwise
