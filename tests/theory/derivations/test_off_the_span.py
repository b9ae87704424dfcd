"""The derived answer of a deep linear network is the numeric one."""

import numpy as np

from theory.depth import linear_answer
from theory.derivations import derive
from theory.derivations.off_the_span import A, N, W, X, c, t, x


def test_numeric_answer_is_the_derived_one():
    rng = np.random.default_rng(0)
    images, probe = rng.normal(size=(2, 5)), rng.normal(size=(5, 1))
    start, product = rng.normal(size=(4, 5)), rng.normal(size=(3, 4))
    inverse = np.linalg.pinv(images)
    null = np.eye(5) - inverse @ images
    trained = start + rng.normal(size=(4, 2)) @ images  # whatever training has added
    answer = derive("off-the-span").function("answer", A, W(t), W(0), X, c, N, x)
    derived = answer(product, trained, start, images, inverse.T @ probe, null, probe)[:, 0]
    found = linear_answer(probe[:, 0], images, answers=images @ trained.T @ product.T, initial=start, product=product)
    # Either way fewer than ten products of at most five terms, through a pseudoinverse of a condition below 10.
    size = np.linalg.norm(product) * (np.linalg.norm(trained) + np.linalg.norm(start)) * np.linalg.norm(probe)
    assert np.abs(found - derived).max() <= 2 * 10 * 5 * 10 * 2.0**-53 * size
