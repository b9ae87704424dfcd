"""The words of captions: each phrase has its fields, and is used."""

import re
from pathlib import Path

import pytest

import paper_figures
from paper_figures.caption import enumerated, layers, phrases, say
from paper_figures.catalogue import FIGURES


def test_every_figure_has_its_words_in_the_file_of_its_folder():
    folder = Path(paper_figures.__file__).with_name("captions")
    for name, entry in FIGURES.items():
        assert phrases()[name]["caption"]
        assert f"\n[{name}]\n" in (folder / f"{entry.folder}.toml").read_text(encoding="utf-8")
    assert phrases().keys() == {*FIGURES, "recipe", "answer_rows", "beside_the_paper"}


def test_every_phrase_is_used():
    """Each is named in the code, but those that are chosen by an optimizer, a zone or a set of images."""
    code = "".join(path.read_text(encoding="utf-8") for path in Path(paper_figures.__file__).parent.rglob("*.py"))
    chosen = {"sgd", "adam", "adamax", "rmsprop", "adagrad", *"BCD", "mnist", "digits", "cifar10", "natural"}
    chosen |= {"cifar10_measured", "natural_measured"}
    named = set(re.findall(r'"(\w+)"', code))
    for figure, table in phrases().items():
        assert table.keys() <= named | chosen | {"caption"}, figure


def test_a_phrase_takes_its_fields_and_no_others():
    assert say("fig41_residual", "near", correlation=0.125, depth=3) == "0.12 with 3"
    for values in ({"correlation": 0.125}, {"correlation": 0.125, "depth": 3, "width": 5}):
        with pytest.raises(ValueError, match=r"the near of fig41_residual has the fields \['correlation', 'depth'\]"):
            say("fig41_residual", "near", **values)


def test_line_breaks_of_a_phrase_do_not_count():
    assert "\n" not in say("fig31_initializations", depth=3)
    assert say("fig31_initializations", depth=3).startswith("Convolutional networks of 3 layers (5×5 kernels) trained")


def test_words_are_listed_as_a_sentence_lists_them():
    assert [enumerated("abc"[:count]) for count in (1, 2, 3)] == ["a", "a and b", "a, b and c"]
    assert [layers(depth) for depth in (1, 2)] == ["1 layer", "2 layers"]
