"""The limit of gradient descent where the design matrix is proved to have full column rank: no decomposition is needed.

Then Π = D⁺D = I, and nothing of the initial weights is left. For the identity task the limit is the identity Θ*; for
targets T it is (D⁺T)ᵀ, the solution of the normal equations DᵀD Θᵀ = DᵀT. Those square the condition number κ; each
repetition with the residual T − DΘᵀ, found by convolving, wins the digits back as long as κ² ε is small ("corrected
seminormal equations", Björck, Linear Algebra Appl. 88, 1987).
"""

from typing import Any

import array_api_compat
import numpy as np

from numerics.full_rank import positive_definite
from numerics.row_space import to_numpy
from theory.networks import DesignGram, Network

CONTRACTION = 1e-4  # what a repetition leaves of the error of a solution, at most
REPETITIONS = 4  # 10⁻¹⁶ of it


def proved_gram(network: Network, inputs: Any, *, solve: bool) -> DesignGram | None:
    """The Gram matrix of a design that is proved to have full column rank; None where it is not, or not this way.

    Args:
        network: of one layer.
        inputs: checked, in float64, of a size at which squares neither overflow nor vanish.
        solve: whether systems are to be solved with it, which takes a smaller condition number.
    """
    gram = network.design_gram(inputs)
    if gram is None:
        return None
    matrix = to_numpy(gram.matrix)
    if not matrix.shape[0] or not np.isfinite(matrix).all():
        return None
    # A perturbation E of the matrix changes its inverse by ‖E‖/λ_min, relatively.
    error = gram.error / CONTRACTION if solve else gram.error
    if solve:  # the solver's own backward error, m² u ‖A‖ at most, counts too
        error += len(matrix) ** 2 * 2.0**-53 * float(np.trace(matrix)) / CONTRACTION / len(matrix)
    return gram if bool(positive_definite(matrix, error)) else None


def solution(network: Network, inputs: Any, targets: Any, gram: DesignGram) -> Any:
    """(D⁺T)ᵀ, (1, outputs, columns): the parameters of least squared error.

    Args:
        network: whose Gram matrix `gram` is.
        inputs: as for `proved_gram`.
        targets: in the shape of the network's predictions, in float64.
        gram: proved, for solving.
    """
    xp = array_api_compat.array_namespace(inputs)
    inverse = xp.linalg.inv(gram.matrix)  # of condition κ² ≤ CONTRACTION/ε: applied, and then repaired
    parameters = (gram.transposed(targets) @ inverse)[None, ...]
    for _ in range(REPETITIONS):
        residual = targets - network.answers(inputs, parameters)
        parameters = parameters + (gram.transposed(residual) @ inverse)[None, ...]
    return parameters
