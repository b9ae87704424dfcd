"""A training tells its loss, its speed and the time left: by a bar on a terminal, elsewhere by a line a minute."""

import io

import pytest
import torch

from empirics import CNN, FCN, Recipe, train
from empirics.training.progress import progress_bar
from empirics.training.stack import size as stack_size


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


def test_the_time_left_is_told_and_a_minute_is_waited_without_a_terminal(monkeypatch) -> None:
    stderr, now = io.StringIO(), [0.0]
    monkeypatch.setattr("sys.stderr", stderr)
    monkeypatch.setattr("empirics.training.progress.time.monotonic", lambda: now[0])
    with progress_bar(1000, show=True) as report:
        for step in range(0, 1001, 50):  # a step a second
            now[0] = float(step)
            report(step, torch.ones(2))
    first, *_, last = stderr.getvalue().splitlines()
    assert first == "training: 10%, step 100 of 1,000, loss 1.00e+00, 1 steps/s, about 15 min left"
    assert last == "training: 100%, step 1,000 of 1,000, loss 1.00e+00, 1 steps/s"


def test_somebody_else_may_hear_instead(capsys) -> None:
    heard: list = []
    train(
        lambda: FCN(2, 1),
        torch.rand(2),
        recipe=Recipe(steps=3),
        seeds=range(2),
        progress=lambda *told: heard.append(told),
    )
    assert heard[-1] == (3, 3)
    assert {steps for _, steps in heard} == {3}
    assert capsys.readouterr().err == ""


def test_the_steps_of_later_stacks_come_after_those_of_the_first(monkeypatch) -> None:
    monkeypatch.setattr(stack_size, "CACHE", 30_000)
    heard: list = []
    x = torch.rand(1, 6, 6)
    trained = train(
        lambda: CNN(1, 2, 2, 3, bias=True),
        x,
        recipe=Recipe(steps=3),
        seeds=range(7),
        progress=lambda *t: heard.append(t),
    )
    stacks = len(trained.division.sizes)
    assert stacks > 1
    done = [steps for steps, _ in heard]
    assert done == sorted(done)
    assert heard[-1] == (3 * stacks, 3 * stacks)
