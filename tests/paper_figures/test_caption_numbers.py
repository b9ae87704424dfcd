"""Every number in every caption is a setting, or the statistic that the words around it name.

What is left of a caption without the statements of `caption_statements` may hold only settings, and what `FIXED` lists.
So numbers that are right but in each other's place are noticed, and so is a number that nobody accounts for.
"""

import re
from collections.abc import Iterator

import pytest

from paper_figures.catalogue import FIGURES
from paper_figures.specimens import TRAINED_ON
from tests.paper_figures.caption_statements import OF_FIGURES, statements
from tests.paper_figures.caption_words import NUMBER, is_of_rows
from tests.paper_figures.test_stored_figures import stored

FIXED = {  # numbers that are part of the words
    "theorem2": {
        2,
        5,
        95,
        1,
    },  # Theorem 2; quantiles of 5 % and 95 %, of which the bound is at 95 %; grey values up to 1
    "rank": {0, 0.9},  # singular values that are 0; 0.9 of the largest stable learning rate
    "phase": {7, 0, 1, 3},  # a 7; above 0; a variance of 1/3
    "depth": {7},
    "ceiling": {7},
    "conditions": {7, 5, 4, 20},  # a 7; 5×5 kernels; figure 4; 20 layers
    "fig01_digit_set": {0, 1},  # clipped to [0, 1]
    "fig04_correlation": {7, 1, 0, 3, 10, 5, 14, 20},  # a 7; an identity keeps 1; ρ = 0; depths in labels
    "fig05_layers": {7},
    "fig06_test_sizes": {5, 28},  # 5×5 kernels; 28×28 pixels
    "fig08_training_sizes": {28},
    "fig15_more_layers": {5, 0, 14, 7},  # figure 5; black for 0; its depth; a 7
    "fig31_initializations": {3, 5},  # figure 3
    "fig42_natural": {32, 10},  # 32×32 pixels; CIFAR-10
}
ROWS = {0, 1, 5, 28, TRAINED_ON}  # of figures of rows: clipped to [0, 1]; 5×5 kernels; 28×28 pixels; a 7


def agrees(text: str, value: float) -> bool:
    """Whether a number as it is printed is this value, rounded."""
    number, share = text.replace(",", "").removesuffix("%"), text.endswith("%")
    digits, _, exponent = number.partition("e")
    half = 0.5 * 10.0 ** (int(exponent or 0) - len(digits.partition(".")[2]))
    # A value that lies halfway is rounded either way: a last bit more than half a unit.
    return abs(float(number) - (100 * value if share else value)) <= half * (1 + 1e-9)


def check(name: str, caption: str) -> None:
    """Compare all numbers of a caption with what they must be."""
    rest = caption
    for statement in statements(name):
        match = statement.found(caption)
        for text, value in zip(match.groups(), statement.values, strict=True):
            assert agrees(text, value), (statement.words, text, value)
        rest = rest[: match.start()] + " " * len(match.group()) + rest[match.end() :]
    allowed = set(numbers_in(stored(name).settings)) | FIXED.get(name, set()) | (ROWS if is_of_rows(name) else set())
    for text in re.findall(NUMBER, rest):
        assert any(agrees(text, value) for value in allowed), (text, rest)


def numbers_in(settings: object) -> Iterator[float]:
    """All numbers of settings, whatever they are in."""
    if isinstance(settings, dict):
        settings = list(settings.values())
    if isinstance(settings, list):
        for value in settings:
            yield from numbers_in(value)
    elif isinstance(settings, int | float) and not isinstance(settings, bool):
        yield float(settings)


def test_every_figure_with_numbers_of_its_own_has_statements():
    assert OF_FIGURES.keys() == FIGURES.keys()


@pytest.mark.parametrize("name", FIGURES)
def test_every_number_of_a_caption_is_what_its_words_say(name):
    check(name, stored(name).caption)


@pytest.mark.parametrize("name", FIGURES)
def test_a_wrong_number_is_noticed(name):
    """Each number in turn is made one unit of its last digit larger."""
    caption = stored(name).caption
    for statement in statements(name):
        match = statement.found(caption)
        for group in range(1, len(match.groups()) + 1):
            start, end = match.span(group)
            with pytest.raises(AssertionError):
                check(name, caption[:start] + one_more(match[group]) + caption[end:])


@pytest.mark.parametrize("name", FIGURES)
def test_numbers_in_each_others_place_are_noticed(name):
    """Neighbours of a statement are swapped: in the figure of depth, among others, the two differences."""
    caption = stored(name).caption
    for statement in statements(name):
        match = statement.found(caption)
        for group in range(1, len(match.groups())):
            (start, end), (begin, stop) = match.span(group), match.span(group + 1)
            if match[group] != match[group + 1]:
                swapped = caption[:start] + match[group + 1] + caption[end:begin] + match[group] + caption[stop:]
                with pytest.raises(AssertionError):
                    check(name, swapped)


def one_more(text: str) -> str:
    """A printed number with its last digit one larger, or smaller where it is a nine."""
    place = max(index for index, letter in enumerate(text.partition("e")[0]) if letter.isdigit())
    digit = int(text[place])
    return f"{text[:place]}{digit + 1 if digit < 9 else 8}{text[place + 1 :]}"


def test_a_number_that_nobody_accounts_for_is_noticed():
    caption = stored("depth").caption
    with pytest.raises(AssertionError, match=r"'0\.77'"):
        check("depth", f"{caption} And 0.77 more.")
