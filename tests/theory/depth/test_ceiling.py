"""The ceiling: against an optimum over all admissible answers that is found by least squares."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from files import embedded_digits
from tests.theory.depth.naive import NOTHING, sights
from theory.depth import ceiling, ceilings

U = 2.0**-53
levels = st.sampled_from([0.0, 0.0, 1.0, -0.5, 0.25, 3.0])


@st.composite
def problems(draw):
    """Images asked and learned, some of them equal in part, and a network's depth, kernel and settings."""
    shape = draw(st.tuples(st.integers(1, 2), st.integers(2, 5), st.integers(2, 5)))
    x_hat = draw(arrays(np.float64, (draw(st.integers(1, 2)), *shape), elements=levels, fill=st.nothing()))
    x = draw(arrays(np.float64, (2, *shape), elements=levels, fill=draw(st.sampled_from([st.nothing(), st.just(0.0)]))))
    columns = draw(st.integers(0, shape[2]))
    x[1, :, :, :columns] = x_hat[0, :, :, :columns]  # learned in part
    kernel = (draw(st.sampled_from([1, 3])), draw(st.sampled_from([2, 3])))  # each sees its own pixel
    return x, x_hat, draw(st.integers(1, 3)), kernel, {"bias": draw(st.booleans())}


def naive(x, x_hat, depth, kernel, *, answers=None, **settings):
    """Forced pixels (H, W), their values (C, H, W), and for each other class its pixels, for one image x (C, H, W)."""
    options = {"bias": True} | settings
    known = {} if options["bias"] else {NOTHING: np.zeros(x.shape[0])}
    for image, answer in zip(x_hat, x_hat if answers is None else answers, strict=True):
        for place, sight in np.ndenumerate(sights(image, depth, kernel, **options)):
            known.setdefault(sight, answer[:, *place])
    forced, values, free = np.zeros(x.shape[1:], dtype=bool), np.zeros_like(x), {}
    for place, sight in np.ndenumerate(sights(x, depth, kernel, **options)):
        if sight in known:
            forced[place], values[:, *place] = True, known[sight]
        else:
            free.setdefault(sight, []).append(place)
    return forced, values, list(free.values())


def greatest_correlation(target, forced, values, free) -> tuple[float, float]:
    """Over all admissible answers, with the accuracy of its square.

    Answers scaled by positive numbers and shifted by any are a convex cone, and the greatest cosine with its members
    is that with the projection on it: least squares with one factor, that of the forced values, which must not be
    negative. If it would be, it is 0.
    """
    if target.max() == target.min():
        return 0.0, 0.0
    if not free:
        return (0.0 if np.ptp(values) == 0 else float(np.corrcoef(values.ravel(), target.ravel())[0, 1])), 100 * U
    columns = [np.where(np.broadcast_to(forced, target.shape), values, 0).ravel(), np.ones(target.size)]
    for channel in range(len(target)):
        for pixels in free:
            block = np.zeros(target.shape)
            block[channel, *zip(*pixels, strict=True)] = 1
            columns.append(block.ravel())
    centred = (target - target.mean()).ravel()
    factors, _, rank, singular = np.linalg.lstsq(np.array(columns).T, centred)
    if factors[0] < 0:
        factors, _, rank, singular = np.linalg.lstsq(np.array(columns[1:]).T, centred)
        columns = columns[1:]
    projection = np.array(columns).T @ factors
    # Projections by least squares are known to u times rows times the condition of what is kept.
    accuracy = 4 * U * target.size * singular[0] / singular[rank - 1]
    return float(np.linalg.norm(projection) / np.linalg.norm(centred)), accuracy


def nearest(target, forced, values, free) -> tuple[np.ndarray, float]:
    """The admissible answer with the least mean squared difference, class by class, and that."""
    answer = values.copy()
    for pixels in free:
        mean = np.mean([target[:, *place] for place in pixels], axis=0)
        for place in pixels:
            answer[:, *place] = mean
    return answer, float(np.mean((answer - target) ** 2))


@given(problems())
def test_no_admissible_answer_is_more_like_the_training_image_and_some_come_near(problem):
    x, x_hat, depth, kernel, settings = problem
    found = ceiling(x, x_hat, depth, kernel, **settings)
    for index, image in enumerate(x):
        parts = forced, values, _ = naive(image, x_hat, depth, kernel, **settings)
        np.testing.assert_array_equal(found.forced[index], forced)
        np.testing.assert_array_equal(found.values[index], values)
        expected = [greatest_correlation(target, *parts) for target in x_hat]
        correlation, accuracy = max(value for value, _ in expected), max(bound for _, bound in expected)
        difference = found.with_training_image[index] ** 2 - correlation**2
        assert abs(difference) <= accuracy + 1000 * U  # some tens of sums of at most 50 terms on our side
        assert found.with_training_image[index] * correlation >= -accuracy - 1000 * U  # one sign


@given(problems())
def test_the_nearest_answer_is_forced_or_a_class_mean(problem):
    x, x_hat, depth, kernel, settings = problem
    found = ceiling(x, x_hat, depth, kernel, **settings)
    rounding = 100 * U * 3**2  # sums of at most 50 numbers up to 3, and their squares
    for index, image in enumerate(x):
        parts = naive(image, x_hat, depth, kernel, **settings)
        expected = [nearest(target, *parts) for target in x_hat]
        assert abs(found.mse_to_training_image[index] - min(mse for _, mse in expected)) <= rounding
        as_near = [answer for answer, mse in expected if mse <= found.mse_to_training_image[index] + rounding]
        assert min(np.abs(found.nearest[index] - answer).max() for answer in as_near) <= rounding


@given(problems())
def test_nothing_forbids_the_identity_where_the_kernel_sees_its_own_pixel(problem):
    x, x_hat, depth, kernel, settings = problem
    found = ceiling(x, x_hat, depth, kernel, **settings)
    np.testing.assert_array_equal(found.mse_to_input, 0)
    varies = np.ptp(x, axis=(1, 2, 3)) > 0
    assert np.abs(found.with_input - varies).max() <= 100 * U


def test_a_kernel_that_sees_around_its_own_pixel_forbids_the_identity():
    """Two taps, at −1 and +2: on a black row of five a white pixel is seen from its neighbours only."""
    kernel, x = (1, 2), np.zeros((1, 1, 5))
    x[..., 2] = 1
    found = ceiling(x, np.zeros((1, 1, 5)), 1, kernel, dilation=(1, 3))
    assert found.forced.tolist() == [[False, True, True, False, True]]
    assert found.mse_to_input == 1 / 5  # the white pixel sees black, and is answered with 0
    # Of (0, 0, 1, 0, 0) one knows the mean of three pixels, 1/3: 3 (1/3 − 1/5)² + 2 (1/5)² of a total of 4/5.
    assert abs(found.with_input - np.sqrt(1 / 6)) <= 10 * U


@given(problems(), st.data(), st.sampled_from([1e-12, 1e-3, 0.1, 1.0]))
def test_networks_that_reproduce_their_image_nearly_are_below_the_ceiling_of_their_loss(problem, data, scale):
    """Any errors, one for each class of the training images; their own ceiling is known exactly."""
    x, x_hat, depth, kernel, settings = problem
    seen = [sight for image in x_hat for sight in sights(image, depth, kernel, **{"bias": True} | settings).ravel()]
    errors = {sight: data.draw(st.floats(-1, 1)) for sight in dict.fromkeys(seen)} | {NOTHING: 0.0}
    answers = x_hat + scale * np.reshape([errors[sight] for sight in seen], (len(x_hat), 1, *x_hat.shape[2:]))
    loss = np.mean((answers - x_hat) ** 2)
    own = ceiling(x, x_hat, depth, kernel, answers=answers, **settings)
    found = ceiling(x, x_hat, depth, kernel, loss=loss, **settings)
    rounding = 1000 * U  # of squares: some tens of sums of at most 50 terms, whose members may be 1 + scale in size
    assert (np.maximum(own.with_training_image, 0) ** 2 <= found.with_training_image**2 + rounding).all()
    assert (np.maximum(own.with_input, 0) ** 2 <= found.with_input**2 + rounding).all()
    assert (own.mse_to_training_image >= found.mse_to_training_image - 16 * rounding).all()
    assert (own.mse_to_input >= found.mse_to_input - 16 * rounding).all()
    if loss == 0:
        np.testing.assert_array_equal(own.with_training_image, found.with_training_image)


def test_errors_that_make_up_for_what_is_forced_are_allowed_for():
    """By hand: 1×1 kernels, x = (0, 0, 1, 0), all forced, for x̂ = (0, 1, 2, 4), whose 0 has three copies in x.

    Squared differences are 0, 1, 1 and 16. About their means 1.75 and 0.25, x̂ and x have the squares 8.75 and 0.75,
    and the product 0.25, which leaves 8.75 − 0.25²/0.75 of x̂ unexplained.
    """
    x_hat, x = np.array([[[0.0, 1.0, 2.0, 4.0]]]), np.array([[[0.0, 0.0, 1.0, 0.0]]])
    assert abs(ceiling(x, x_hat, 1, 1).with_training_image - 0.25 / np.sqrt(0.75 * 8.75)) <= 10 * U
    for error in (1e-6, 0.01, 0.3, 1.0):
        off = np.sqrt(3) * error
        found = ceiling(x, x_hat, 1, 1, loss=error**2 / 4)
        assert abs(found.mse_to_training_image - (np.sqrt(18) - off) ** 2 / 4) <= 100 * U
        gain = np.sqrt(8.75) / (np.sqrt(0.75) - off) * off if off < np.sqrt(0.75) else np.inf
        rest = max(np.sqrt(8.75 - 0.25**2 / 0.75) - gain, 0)
        assert abs(found.with_training_image**2 - (1 - rest**2 / 8.75)) <= 100 * U
        own = ceiling(x, x_hat, 1, 1, answers=x_hat + error * np.array([[[1.0, 0.0, 0.0, 0.0]]]))
        assert own.mse_to_training_image >= found.mse_to_training_image
        assert own.with_training_image <= found.with_training_image


@given(problems(), st.sampled_from([-1000, -300, 300, 1000]))
def test_correlations_know_no_scale(problem, power):
    x, x_hat, depth, kernel, settings = problem
    plain = ceiling(x, x_hat, depth, kernel, **settings)
    try:
        scaled = ceiling(np.ldexp(x, power), np.ldexp(x_hat, power), depth, kernel, **settings)
    except OverflowError as error:
        assert power > 0
        assert "are beyond the range of float64" in str(error)  # noqa: PT017
        return
    np.testing.assert_array_equal(scaled.with_training_image, plain.with_training_image)
    np.testing.assert_array_equal(scaled.mse_to_training_image, np.ldexp(plain.mse_to_training_image, 2 * power))


def test_the_answer_to_a_black_image_can_be_like_the_digit_only_from_eight_layers_of_5x5_on():
    """Digit 140 of the pack; its corners are black, and so is what a network that reproduces it answers there."""
    x_hat = embedded_digits()[140] / 255
    found = [float(ceiling(0 * x_hat, x_hat, depth, 5).with_training_image) for depth in range(2, 9)]
    assert np.round(found, 3).tolist() == [0, 0.357, 0.511, 0.595, 0.735, 0.914, 1]
    assert [float(ceiling(0 * x_hat, x_hat, depth, 5, bias=False).with_training_image) for depth in (8, 20)] == [0, 0]


@pytest.mark.parametrize("bias", [True, False])
def test_ceilings_are_those_of_each_depth(bias):
    x_hat = embedded_digits()[140] / 255
    x = np.stack([0 * x_hat, embedded_digits()[20] / 255])
    for depth, found in enumerate(ceilings(x, x_hat, 12, (5, 3), bias=bias), 1):
        for name, value in vars(ceiling(x, x_hat, depth, (5, 3), bias=bias)).items():
            np.testing.assert_array_equal(getattr(found, name), value)
    assert len(ceilings(x, x_hat, 9, 1, bias=bias)) == 9  # though one layer tells as much as nine


def test_padding_without_borders_leaves_a_black_image_flat():
    x_hat = embedded_digits()[140] / 255
    for mode in ("circular", "reflect", "replicate"):
        found = ceiling(0 * x_hat, x_hat, 30, 3, padding_mode=mode)
        assert found.with_training_image == 0
    shifted = np.roll(x_hat, (3, -5), axis=(1, 2))
    found = ceiling(shifted, x_hat, 7, 3, padding_mode="circular")
    assert found.forced.all()
    np.testing.assert_array_equal(found.values, shifted)


def test_what_another_answer_forces():
    """Trained to something else, or not quite to x̂: the answers themselves are passed on."""
    x_hat, answers = np.zeros((1, 4, 4)), np.zeros((1, 4, 4))
    x_hat[0, 1, 1], answers[0, 1, 1] = 1, 7
    found = ceiling(x_hat, x_hat, 1, 1, answers=answers)
    np.testing.assert_array_equal(found.values, answers)
    assert found.mse_to_training_image == 36 / 16


def test_other_sizes_have_forced_pixels_and_nothing_to_compare():
    x_hat = embedded_digits()[140] / 255
    found = ceiling(np.zeros((3, 1, 9, 40)), x_hat, 1, 5)
    assert found.forced.all()
    assert found.with_training_image is found.mse_to_training_image is found.nearest is None
    assert found.with_input.shape == found.mse_to_input.shape == (3,)


def test_results_are_of_the_images_kind():
    x_hat = torch.arange(25.0).reshape(1, 5, 5)
    found = ceiling(torch.zeros(2, 1, 5, 5), x_hat, 3, 3)
    for value in vars(found).values():
        assert isinstance(value, torch.Tensor)
        assert value.dtype in (torch.float32, torch.bool)
        assert value.shape[0] == 2
    single = ceiling(np.zeros((1, 5, 5), dtype=np.int64), x_hat.numpy().astype(np.int64), 3, 3)
    assert single.with_training_image.shape == ()
    assert abs(single.with_training_image - float(found.with_training_image[0])) <= 2.0**-23


def test_an_image_that_no_network_reproduces_is_refused():
    white = np.zeros((1, 1, 5))
    white[..., 2] = 1
    with pytest.raises(ValueError, match=r"x_hat cannot be reproduced .*\(0, 0, 2\).* hold \[1\.0\] and \[0.0\]"):
        ceiling(white, white, 1, (1, 2), dilation=(1, 3))
