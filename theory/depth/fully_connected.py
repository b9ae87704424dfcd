"""Fully connected networks of any depth: what they cannot know off the span of their training images.

Let f(x) = g(W₁ x), with any g: any number of layers, units, activations, biases and skips after the first layer's
weights. It is trained on examples X = (x̂₁, …, x̂_n) by gradient descent, with momentum, weight decay and any
schedule, on any loss of the outputs. Π is the projector on the span of X, and Π_⊥ = I − Π.

**Theorem 1** (rotations). Let Q be orthogonal with Q x̂ᵢ = x̂ᵢ. Started at W₁Qᵀ in place of W₁, all else alike, the
network becomes f(Qᵀ ·), with f what it becomes from W₁.

*Proof.* By induction, after every step the first layer is W₁Qᵀ where it is W₁ in the other run, with velocity VQᵀ for
V, and all other parameters agree. For outputs on X agree, W₁Qᵀx̂ᵢ = W₁x̂ᵢ, hence all gradients but the first layer's
do; that is Σᵢ δᵢ x̂ᵢᵀ in both runs, and Σᵢ δᵢ x̂ᵢᵀ = Σᵢ δᵢ (Q x̂ᵢ)ᵀ = (Σᵢ δᵢ x̂ᵢᵀ) Qᵀ; momentum, weight decay and
learning rates are linear maps of W₁ and V that commute with multiplication by Qᵀ from the right. ∎

So where the initial law of W₁ is that of W₁Qᵀ for all orthogonal Q (independent Gaussian weights of one variance),
the law of f(x) depends on Π x and ‖Π_⊥x‖ alone. Optimizers that scale each weight by itself (Adam, RMSprop, Adagrad)
break the induction; uniform weights are not invariant.

**Theorem 2** (no identity off the span). Let the law of W₁ be invariant under the reflection Q = 2Π − I, and x' = Q x
= Πx − Π_⊥x the mirror image of x. Then E ½(|f(x) − x|² + |f(x') − x'|²) = E |f(x) − Πx|² + |Π_⊥x|² ≥ |Π_⊥x|².

*Proof.* f(x') has the law of f(x) =: Y, by theorem 1. With a = Πx and b = Π_⊥x the left side is
E ½(|Y − a − b|² + |Y − a + b|²) = E |Y − a|² + |b|². ∎

**Theorem 3** (linear networks). If g is linear, f(x) = Σᵢ cᵢ(x) f(x̂ᵢ) + A W₁(0) Π_⊥x, with A the product of the
other layers as trained and c(x) = X⁺x, so that Πx = Σᵢ cᵢ x̂ᵢ. Gaussian W₁(0) of variance σ² make the second term,
given A, exactly N(0, σ² |Π_⊥x|² A Aᵀ).

*Proof.* Each step changes W₁ by a matrix Σᵢ δᵢ x̂ᵢᵀ, so that W₁ Π_⊥ = W₁(0) Π_⊥ always, and f(x) = f(Πx) + A W₁ Π_⊥x.
The training sees of W₁(0) only W₁(0) Π, which for Gaussian weights is independent of W₁(0) Π_⊥; A is a function of
the former and of the other initial weights. ∎ (With weight decay the second term shrinks by a known factor a step;
here it is absent.)

Ours; theorem 1 for one layer is in Zhang et al. 2020, Theorem 1. The algebra of theorems 1 and 3 is proved by machine
in theory/derivations ("off-the-span").
"""

from typing import Any

from jaxtyping import Float, Num

from numerics.arguments import VECTOR_SHAPES, as_float64, common_namespace, floating_dtype, real_array, rounded
from numerics.row_space import decomposed
from theory.decomposition import decompose


def mirrored(x: Num[Any, "*n features"], x_hat: Num[Any, "*examples features"]) -> Float[Any, "*n features"]:
    """Return the mirror image of x in the span of the training vectors, 2 Π x − x.

    From Gaussian initial weights a fully connected network, of any depth and activation, trained on x_hat by gradient
    descent, answers x and its mirror image with the same law.

    Args:
        x: vectors, (n, d) or (d,).
        x_hat: training vectors, (examples, d) or (d,).

    Returns:
        An array of x's shape and kind.

    Raises:
        TypeError: vectors that are not real arrays, or of different kinds or dtypes.
        ValueError: wrong shapes, empty, not finite, different numbers of features, or training vectors so nearly
            dependent that rounding leaves their span undecided.
        OverflowError: a mirror image beyond the dtype's range.

    Source: ours, theorem 1 at the head of this file.
    """
    parallel, perpendicular = decompose(x, x_hat)
    return rounded("mirror images", as_float64(parallel) - as_float64(perpendicular), floating_dtype(x))


def identity_floor(x: Num[Any, "*n features"], x_hat: Num[Any, "*examples features"]) -> Float[Any, "*n"]:
    """Return what the mean squared error against the identity is expected to be at least, over x and its mirror image.

    It holds for fully connected networks of any depth, width and activation, trained on x_hat by gradient descent
    with momentum, from initial weights whose first layer is Gaussian: |Π_⊥x|²/d. One layer from zero weights attains
    it.

    Args:
        x: vectors, (n, d) or (d,).
        x_hat: training vectors, (examples, d) or (d,).

    Returns:
        One number per vector, of x's kind.

    Raises:
        TypeError: vectors that are not real arrays, or of different kinds or dtypes.
        ValueError: wrong shapes, empty, not finite, different numbers of features, or training vectors so nearly
            dependent that rounding leaves their span undecided.
        OverflowError: a mean square beyond the dtype's range.

    Example:
        >>> import numpy as np
        >>> float(identity_floor(np.array([3.0, 4.0]), np.array([1.0, 0.0])))
        8.0

    Source: ours, theorem 2 at the head of this file.
    """
    _, perpendicular = decompose(x, x_hat)
    squares = as_float64(perpendicular) ** 2
    xp = common_namespace(x=x)
    return rounded("floors", xp.mean(squares, axis=-1), floating_dtype(x))


def linear_answer(
    x: Num[Any, "*n features"],
    x_hat: Num[Any, "*examples features"],
    *,
    answers: Num[Any, "*examples outputs"],
    initial: Num[Any, "units features"],
    product: Num[Any, "outputs units"],
) -> Float[Any, "*n outputs"]:
    """Return what a deep linear network answers x with, from its first layer's initial weights: theorem 3.

    The network is fully connected, without biases, and was trained by gradient descent with momentum, for any time.

    Args:
        x: vectors, (n, d) or (d,).
        x_hat: training vectors, (examples, d) or (d,).
        answers: what the network answers them with, (examples, outputs) or (outputs,).
        initial: W₁(0), the first layer's weights before training, as `torch.nn.Linear.weight`.
        product: A = W_L ⋯ W₂, the other layers' weights after training, multiplied.

    Returns:
        Σᵢ cᵢ(x) f(x̂ᵢ) + A W₁(0) Π_⊥x, (n, outputs) or (outputs,), of x's kind.

    Raises:
        TypeError: not real arrays, or arrays of different kinds or dtypes.
        ValueError: wrong shapes, empty, not finite, or training vectors whose span rounding leaves undecided.
        OverflowError: an answer beyond the dtype's range.

    Source: ours, theorem 3 at the head of this file.
    """
    given = {"x": x, "x_hat": x_hat, "answers": answers}
    x, x_hat, answers = (real_array(name, value, VECTOR_SHAPES) for name, value in given.items())
    initial = real_array("initial", initial, {2: "(units, d)"})
    product = real_array("product", product, {2: "(outputs, units)"})
    xp = common_namespace(x=x, x_hat=x_hat, answers=answers, initial=initial, product=product)
    if answers.ndim != x_hat.ndim or answers.shape[:-1] != x_hat.shape[:-1]:
        raise ValueError(f"answers must be one for each of x_hat, {tuple(x_hat.shape)}, got {tuple(answers.shape)}")
    if initial.shape[1] != x.shape[-1]:
        raise ValueError(f"initial must have x's {x.shape[-1]} features, got shape {tuple(initial.shape)}")
    expected = (answers.shape[-1], initial.shape[0])
    if tuple(product.shape) != expected:
        raise ValueError(f"product must have shape {expected}, got {tuple(product.shape)}")
    _, perpendicular = decompose(x, x_hat)
    rows, known = (as_float64(value) if value.ndim == 2 else as_float64(value)[None, :] for value in (x_hat, answers))
    space = decomposed(rows)
    inverse = xp.where(space.kept, 1 / xp.where(space.kept, space.singular_values, 1.0), 0.0)
    coefficients = ((as_float64(x) @ space.right) * inverse) @ xp.matrix_transpose(space.left)  # X⁺x
    noise = (
        as_float64(perpendicular) @ xp.matrix_transpose(as_float64(initial)) @ xp.matrix_transpose(as_float64(product))
    )
    return rounded("answers", coefficients @ known + noise, floating_dtype(x))
