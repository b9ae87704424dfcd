"""What deep networks are trained on and asked about: images of other sizes, and two or three of them.

Each verdict is about 48 seeds, by the exact sign test: does a seed show it more often than not?
"""

import pytest

from tests.claims.deep_networks import ALIKE, CNN, FCN, compare, constant, learns_identity, more_often
from tests.ledger import claim

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

LARGE = CNN(5, size=28)
TWO, THREE = (7, 0), (7, 0, 1)


@IMAGE_SIZE
@pytest.mark.parametrize("size", [28, 56])
def test_the_identity_holds_on_images_as_large_and_larger(size, ledger):
    learns_identity(ledger, LARGE, size)


@IMAGE_SIZE
def test_the_identity_is_disturbed_on_small_images(ledger):
    asked = {size: LARGE.to_input(size).mean(1) for size in (7, 14, 28, 56)}
    for size, correlations in asked.items():
        ledger.note(f"{LARGE}, asked at {size}×{size}: correlation with the input {correlations.mean():.2f}")
    more_often(ledger, asked[7] < asked[28], asked[7] > asked[28], among=LARGE.learned, study=str(LARGE))


@IMAGE_SIZE
def test_small_training_images_lead_to_the_constant_function(ledger):
    compare(ledger, "correlation with the training image", CNN(5, size=7), CNN(5), constant)


@TWO_THREE_EXAMPLES
@pytest.mark.parametrize("trained_on", [TWO, THREE], ids=["two", "three"])
def test_fully_connected_networks_answer_with_mixtures(trained_on, ledger):
    study = FCN(6, trained_on=trained_on)
    ledger.note(study.summary())
    mixture, asked = study.to_mixture().mean(1), study.to_input().mean(1)
    ledger.note(f"{study}: correlation with the best mixture of the digits learned {mixture.mean():.2f}")
    more_often(ledger, (mixture >= ALIKE) & (asked < ALIKE), among=study.learned, study=str(study))


@TWO_THREE_EXAMPLES
@pytest.mark.parametrize("trained_on", [TWO, THREE], ids=["two", "three"])
def test_deep_convolutional_networks_come_nearer_to_the_identity(trained_on, ledger):
    def on_digits_new_to_both(study):
        return study.to_input(besides=THREE).mean(1)

    compare(ledger, "correlation with the input", CNN(12, trained_on=trained_on), CNN(12), on_digits_new_to_both)
