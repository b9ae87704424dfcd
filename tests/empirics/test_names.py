"""Names in help texts are those of the things themselves, and a folder's name hides no function."""

import subprocess
import sys

import pytest

from empirics import names
from empirics.networks.activations import ACTIVATIONS
from empirics.networks.initialization import SCHEMES
from empirics.training.optimizers import OPTIMIZERS
from empirics.training.recipe import PRECISIONS


def test_names_are_those_of_what_they_stand_for():
    assert tuple(ACTIVATIONS) == names.ACTIVATIONS
    assert names.SCHEMES == SCHEMES
    assert tuple(OPTIMIZERS) == names.OPTIMIZERS
    assert tuple(PRECISIONS) == names.PRECISIONS


@pytest.mark.parametrize("first", ["import empirics.images.mixing", "import empirics.sweeps.sweep", "empirics.train"])
def test_the_function_images_is_not_hidden_by_the_folder_of_its_name(first):
    code = f"import empirics; {first}; print(empirics.images('digits').pixels.shape)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "(200, 1, 28, 28)\n"
