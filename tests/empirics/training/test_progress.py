"""The progress bar tells loss and speed on a terminal, and keeps quiet elsewhere."""

import io

import pytest
import torch

from empirics import FCN, Recipe, train
from empirics.training.progress import progress_bar


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "show", "speaks"), [(Terminal, True, True), (Terminal, False, False), (io.StringIO, True, False)]
)
def test_the_bar_is_shown_on_a_terminal_only(stream: type, show: bool, speaks: bool, monkeypatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    stderr = stream()
    monkeypatch.setattr("sys.stderr", stderr)
    train(lambda: FCN(2, 1), torch.rand(2), recipe=Recipe(steps=5), seeds=range(3), progress=show)
    assert bool(stderr.getvalue()) == speaks


def test_the_bar_tells_the_median_loss_whatever_one_member_does(monkeypatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "200")
    stderr = Terminal()
    monkeypatch.setattr("sys.stderr", stderr)
    with progress_bar(1, show=True) as report:
        report(1, torch.tensor([0.25, 0.5, torch.nan, torch.inf, 0.125]))
    assert "loss 2.50e-01" in stderr.getvalue()
    assert "steps/s" in stderr.getvalue()


def test_speed_does_not_count_what_a_checkpoint_held(monkeypatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "200")
    stderr, now = Terminal(), [0.0]
    monkeypatch.setattr("sys.stderr", stderr)
    monkeypatch.setattr("empirics.training.progress.time.monotonic", lambda: now[0])
    with progress_bar(2000, show=True) as report:
        now[0] = 10.0
        report(1500, torch.ones(2))
        now[0] = 20.0
        report(2000, torch.ones(2))
    assert " 50 steps/s" in stderr.getvalue()
