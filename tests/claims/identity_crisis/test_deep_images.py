"""What deep networks are trained on and asked about: images of other sizes, and two or three of them.

Each verdict about one kind of network is about 48 seeds, by the exact sign test: does a seed show it more often than
not? Two kinds are compared by the exact rank-sum test, which decides from fewer.
"""

import pytest

from tests.claims.deep_networks import ALIKE, at_each_scale, compare, constant, learns_identity, more_often
from verification import claim

IMAGE_SIZE = claim(
    "E.image-size",
    statement="The identity that a five-layer convolutional network learns from a digit of 28×28 pixels holds on "
    "larger images and is disturbed on 7×7 ones; trained on 7×7 pixels it is closer to the constant function.",
    source="Zhang et al. 2020, section 4.2, figures 6, 7 and 8",
)
TWO_THREE_EXAMPLES = claim(
    "E.two-three-examples",
    statement="From two and from three digits deep fully connected networks learn to answer with mixtures of them, not "
    "with what they are asked, while a 12-layer convolutional network comes nearer to the identity than from one.",
    source="Zhang et al. 2020, appendix on two and three training examples, figures 38 and 39",
)

TWO, THREE = (7, 0), (7, 0, 1)


def five_layers(scale):
    return scale.cnn(5, size=28)


@IMAGE_SIZE
@at_each_scale
@pytest.mark.parametrize("size", [28, 56])
def test_the_identity_holds_on_images_as_large_and_larger(size, scale, ledger):
    learns_identity(ledger, five_layers(scale), size)


@IMAGE_SIZE
@at_each_scale
def test_the_identity_is_disturbed_on_small_images(scale, ledger):
    study = five_layers(scale)
    asked = {size: study.likeness(size).mean().with_input for size in (7, 14, 28, 56)}
    for size, correlations in asked.items():
        ledger.note(f"{study}, asked at {size}×{size}: correlation with the input {correlations.mean():.2f}")
    more_often(ledger, asked[7] < asked[28], asked[7] > asked[28], among=study.learned, study=str(study))


@IMAGE_SIZE
@at_each_scale
def test_small_training_images_lead_to_the_constant_function(scale, ledger):
    compare(
        ledger,
        "correlation with the training image",
        scale.cnn(5, size=7, members=scale.compared),
        scale.cnn(5),
        constant,
    )


@TWO_THREE_EXAMPLES
@at_each_scale
@pytest.mark.parametrize("trained_on", [TWO, THREE], ids=["two", "three"])
def test_fully_connected_networks_answer_with_mixtures(trained_on, scale, ledger):
    study = scale.fcn(6, trained_on=trained_on)
    ledger.note(study.summary())
    mixture, asked = study.to_mixture().mean(1), study.likeness().mean().with_input
    ledger.note(f"{study}: correlation with the best mixture of the digits learned {mixture.mean():.2f}")
    more_often(ledger, (mixture >= ALIKE) & (asked < ALIKE), among=study.learned, study=str(study))


@TWO_THREE_EXAMPLES
@at_each_scale
@pytest.mark.parametrize("trained_on", [TWO, THREE], ids=["two", "three"])
def test_deep_convolutional_networks_come_nearer_to_the_identity(trained_on, scale, ledger):
    def on_digits_new_to_both(study):
        return study.likeness(besides=THREE).mean().with_input

    several, one = scale.cnn(12, trained_on=trained_on), scale.cnn(12)
    compare(ledger, "correlation with the input", several, one, on_digits_new_to_both)
