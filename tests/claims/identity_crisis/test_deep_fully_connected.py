"""Deep fully connected networks: they answer with noise or with what they were trained on, never with what is asked.

Each verdict about one kind of network is about 48 seeds, by the exact sign test: does a seed show it more often than
not? Two kinds are compared by the exact rank-sum test, which decides from fewer.
"""

from itertools import pairwise

import pytest

import empirics
from tests.claims.deep_networks import at_each_scale, compare, constant, identity, learns_identity, more_often, others
from verification import ClaimRefuted, claim

FCN_MEMORIZES_OR_NOISE = claim(
    "E.fcn-memorizes-or-noise",
    statement="A fully connected network trained on one digit answers every other digit with noise (zone C) or with "
    "the digit it was trained on (zone D), never with what it was asked, at any depth.",
    source="Zhang et al. 2020, section 4.1, figure 2",
)
FCN_DEPTH_CONSTANT = claim(
    "E.fcn-depth-constant",
    statement="Deeper fully connected networks that have learned a digit are closer to the constant function.",
    source="Zhang et al. 2020, section 4.1, figure 2",
)
RESIDUAL = claim(
    "E.residual",
    statement="Skip connections move fully connected networks of 4 and of 10 layers from the constant function toward "
    "the identity.",
    source="Zhang et al. 2020, appendix on residual networks",
)


@FCN_MEMORIZES_OR_NOISE
@at_each_scale
@pytest.mark.parametrize("scheme", ["xavier_uniform", "kaiming_uniform"])
@pytest.mark.parametrize("depth", [1, 3, 10])
def test_no_answer_is_the_input(depth, scheme, scale, ledger):
    study = scale.fcn(depth, scheme=scheme)
    ledger.note(study.summary())
    rho = empirics.correlation(others(study.trained_on, study.size), study.training_images[0])
    found = study.likeness()
    zones = empirics.zone(found.with_input, found.with_training_image, rho)
    more_often(ledger, (zones != "B").all(axis=1), among=study.learned, study=str(study))


@FCN_DEPTH_CONSTANT
@at_each_scale
@pytest.mark.parametrize("scheme", ["xavier_uniform", "kaiming_uniform"])
def test_deeper_is_closer_to_constant(scheme, scale, ledger):
    for shallow, deep in pairwise(scale.fcn(depth, scheme=scheme) for depth in (1, 3, 10)):
        compare(ledger, "correlation with the training image", deep, shallow, constant)


@RESIDUAL
@at_each_scale
def test_skips_keep_a_deep_network_from_the_constant_function(scale, ledger):
    compare(ledger, "correlation with the training image", scale.fcn(10), scale.fcn(10, residual=True), constant)


@RESIDUAL
@at_each_scale
@pytest.mark.parametrize("depth", [4, 10])
def test_skips_from_input_to_output_lead_to_the_identity(depth, scale, ledger):
    """Where no plain layer comes first or last a network is the identity plus what its blocks add.

    The blocks are the paper's, whose last ReLU lets them only add: to reproduce the digit every one must add nothing.
    """
    plain, skips = scale.fcn(depth), scale.fcn(depth, kind="skips throughout")
    compare(ledger, "correlation with the input", skips, plain, identity)
    compare(ledger, "correlation with the training image", plain, skips, constant)
    learns_identity(ledger, skips)


@RESIDUAL
@pytest.mark.xfail(
    raises=ClaimRefuted,
    reason="between a plain first and a plain last layer skips lead to noise: the first layer's random projection is "
    "never undone",
)
@at_each_scale
def test_skips_between_plain_layers_lead_to_the_identity(scale, ledger):
    plain = scale.fcn(10)
    alike = empirics.correlation(others(plain.trained_on, plain.size), plain.training_images[0]).mean()
    ledger.note(f"a constant function's correlation with the input is {alike:.2f} here: digits are that much alike")
    compare(ledger, "correlation with the input", scale.fcn(10, residual=True), plain, identity)
