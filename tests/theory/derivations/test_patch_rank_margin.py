"""Images of full patch rank: the minor that is derived, in patch matrices of integer images."""

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sympy import lambdify

from numerics import patch_matrix
from numerics.rank_certificate import support_certificate
from tests import rational
from theory.derivations import derive
from theory.derivations.patch_rank_margin import m, x_v


@given(
    arrays(np.int64, st.tuples(st.integers(1, 5), st.integers(1, 5)), elements=st.integers(-9, 9), fill=st.just(0)),
    st.tuples(st.integers(1, 3), st.integers(1, 3)),
)
def test_minor_of_the_taps_that_see_the_vertex_is_a_power_of_its_pixel(image, kernel):
    """Whatever the order of the taps: rows and columns are permuted alike, which keeps the determinant."""
    certificate = support_certificate(image[None], kernel)
    assume(certificate.vertex is not None)
    _, row, column = certificate.vertex
    taps = [(a, b) for a in range(kernel[0]) for b in range(kernel[1])]
    windows = [(row - a + (kernel[0] - 1) // 2, column - b + (kernel[1] - 1) // 2) for a, b in taps]
    seeing = [
        i for i, p in enumerate(windows) if all(0 <= place < side for place, side in zip(p, image.shape, strict=True))
    ]
    assert len(seeing) == certificate.rank_at_least
    rows = [windows[i][0] * image.shape[1] + windows[i][1] for i in seeing]
    part = patch_matrix(image[None], kernel)[np.ix_(rows, seeing)]
    derived = lambdify((m, x_v), derive("patch-rank-margin").result["minor"], "math")
    assert rational.determinant(part) == derived(len(seeing), int(image[row, column]))
