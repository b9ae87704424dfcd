"""The map of conditions is of the sweep that it names, and is sorted as its rows say."""

from pathlib import Path

import numpy as np
import pytest

import empirics
import paper_figures
from paper_figures.figures.theory import conditions
from paper_figures.workbench import Workbench
from tests.paper_figures.test_stored_figures import stored

SWEEP = Path(paper_figures.__file__).with_name("sweeps") / "conditions.toml"


@pytest.fixture(scope="module")
def table():
    return conditions.results()


def test_the_table_is_of_the_sweep_and_names_no_machine(table):
    assert {row["key"] for row in table} == {run.key for run in empirics.read_spec(SWEEP).runs}
    assert len({row["key"] for row in table}) == len(table)
    assert {row["torch"].partition("+")[0] for row in table} == {"2.13.0"}  # as paper_figures/results/README.md says
    assert not {"worker", "seconds"} & set(table[0])


def test_the_figure_is_of_the_table(table):
    data = conditions.compute(Workbench())
    assert data.caption == stored("conditions").caption
    for name, array in data.arrays.items():
        np.testing.assert_array_equal(array, stored("conditions").arrays[name])


def test_a_network_has_learned_if_it_explains_nine_tenths_of_the_variance():
    image = empirics.images("digits").as_float()[140]
    tenth = 0.1 * np.mean((image - image.mean()) ** 2)
    for loss, expected in ((0.99 * tenth, True), (1.01 * tenth, False)):
        assert conditions.learned({"loss": loss, "with_input": 0.5}) == expected
    assert not conditions.learned({"loss": None, "with_input": None})  # it diverged


def test_each_cell_is_of_its_rows(table):
    """Against one loop over the rows, for each cell."""
    arrays, labels = stored("conditions").arrays, stored("conditions").labels
    for (optimizer, start, depth, seed), difference in np.ndenumerate(
        arrays["with_input"] - arrays["with_training_image"]
    ):
        (row,) = [
            row for row in table
            if row["optimizer"] == conditions.OPTIMIZERS[optimizer] and row["depth"] == arrays["depths"][depth]
            and row["scheme"].replace("_", " ") + ", biases" * row["bias"] == labels[start]
            and row["seed"] == seed and row["channels"] == 16
        ]  # fmt: skip
        if conditions.learned(row):
            assert difference == row["with_input"] - row["with_training_image"]
        else:
            assert np.isnan(difference)


def test_depth_decides_whether_and_initial_weights_how_often_networks_memorize():
    data = stored("conditions")
    difference = data.arrays["with_input"] - data.arrays["with_training_image"]  # optimizers, starts, depths, seeds
    assert (difference[:, :, :2] > 0).all()
    assert not (difference[:, :, 2] < 0).any()
    nearer = dict(zip(data.labels, (difference[:, :, -1] < 0).sum(axis=(0, 2)), strict=True))
    assert nearer["default, biases"] == max(nearer.values()) > sum(nearer.values()) / 3
    assert nearer["kaiming uniform"] == nearer["kaiming uniform, biases"] == 0
    learned = dict(zip(data.labels, np.isfinite(difference[:, :, -1]).sum(axis=(0, 2)), strict=True))
    assert min(learned, key=learned.get) == "default"
    assert min(count for start, count in learned.items() if "default" not in start) >= 24


@pytest.mark.parametrize(("start", "nearer", "of"), [("default", 20, 37), ("others", 15, 198)])
def test_readme_counts_what_the_table_holds(start, nearer, of):
    data = stored("conditions")
    chosen = [n for n, label in enumerate(data.labels) if ("default" in label) == (start == "default")]
    difference = (data.arrays["with_input"] - data.arrays["with_training_image"])[:, chosen, -1]
    assert ((difference < 0).sum(), np.isfinite(difference).sum()) == (nearer, of)
    assert f"{nearer} of {of}" in (SWEEP.parents[2] / "README.md").read_text()


def test_the_caption_counts_zones_as_figure_4_does(table):
    deep = [row for row in table if row["depth"] == 20 and row["channels"] == 16 and conditions.learned(row)]
    to_input, to_constant = (np.array([row[name] for row in deep]) for name in ("with_input", "with_training_image"))
    zones = empirics.zone(to_input, to_constant, np.zeros(len(deep)))  # other digits are far from zone A
    begun = np.array([row["scheme"] == "default" and row["bias"] for row in deep])
    count, theirs = (zones == "D").sum(), (zones[begun] == "D").sum()
    assert f"is reached by {count}, of which {theirs} began" in stored("conditions").caption
