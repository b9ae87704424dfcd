"""When a training is kept, what a full disk or Ctrl-C leaves of it, and that finished stacks do not train again."""

import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from empirics import FCN
from empirics.training import checkpoints, storage
from empirics.training.stack import size as stack_size
from tests.empirics.training.test_checkpoints import Killed, killed_at_write, same
from tests.empirics.training.test_fingerprint import RECIPE, run


def test_a_stack_is_kept_every_so_many_steps_and_not_one_later(tmp_path: Path, monkeypatch) -> None:
    kept: list[int] = []
    keep = checkpoints.StackKeeper.keep
    monkeypatch.setattr(checkpoints.StackKeeper, "keep", lambda self, d: (kept.append(d.step), keep(self, d)))
    run(lambda: FCN(4, 1), tmp_path, checkpoint_every=3)
    assert kept == [3, 6, 8]
    kept.clear()
    run(lambda: FCN(4, 1), tmp_path, checkpoint_every=3, recipe=replace(RECIPE, steps=13))
    assert kept == [11, 13]  # counted from where it went on


def test_stacks_that_are_finished_do_not_train_again(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(stack_size, "CACHE", 7000)
    make_model = lambda: FCN(4, 2, 6, bias=True)  # noqa: E731
    whole = run(make_model, seeds=range(4))
    count = len(whole.division.sizes)
    assert count > 1
    with monkeypatch.context() as patch:
        killed_at_write(2 * 3 + 1, patch)  # in the second stack: three states of two files are whole
        with pytest.raises(Killed):
            run(make_model, tmp_path, seeds=range(4))
    told: list[int] = []
    assert same(run(make_model, tmp_path, seeds=range(4), progress=lambda done, _: told.append(done)), whole)
    assert min(told) >= RECIPE.steps  # nothing of the first


def test_a_full_disk_does_not_lose_the_training(tmp_path: Path, monkeypatch) -> None:
    whole = run(lambda: FCN(4, 1))
    write, writes = storage.write_atomically, iter(range(100))

    def full(path: Path, data: bytes) -> None:
        if next(writes) >= 2:
            raise OSError(28, "No space left on device", str(path))
        write(path, data)

    with monkeypatch.context() as patch:
        patch.setattr(storage, "write_atomically", full)
        with pytest.warns(
            UserWarning, match="the training goes on, but its checkpoint stays that of step 3: .*No space"
        ):
            assert same(run(lambda: FCN(4, 1), tmp_path), whole)
    assert same(run(lambda: FCN(4, 1), tmp_path), whole)


def test_a_folder_that_cannot_be_written_to_is_told_of_before_the_first_step(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("torch.optim.SGD.step", lambda self: pytest.fail("a step was taken"))
    monkeypatch.setattr(checkpoints, "write_atomically", lambda path, data: (_ for _ in ()).throw(OSError(30, "no")))
    with pytest.raises(OSError, match="no"):
        run(lambda: FCN(4, 1), tmp_path)


@pytest.fixture
def _ctrl_c() -> Iterator[None]:
    """Python's own handler, which a program that a shell started in the background does not have."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_ctrl_c")
@pytest.mark.parametrize("at", [0, 1, 5, 8])
def test_ctrl_c_ends_the_step_keeps_it_and_says_how_to_go_on(at: int, tmp_path: Path) -> None:
    whole, told = run(lambda: FCN(4, 1)), []

    def press(step: int, _: int) -> None:
        told.append(step)
        if step == at:
            signal.raise_signal(signal.SIGINT)

    words = r"stopped at step (\d); .* keeps the training as of step \1, and the same call goes on from there"
    with pytest.raises(KeyboardInterrupt, match=words):
        run(lambda: FCN(4, 1), tmp_path, progress=press, checkpoint_every=1000)
    assert max(told) <= at + 1
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    again: list[int] = []
    assert same(run(lambda: FCN(4, 1), tmp_path, progress=lambda step, _: again.append(step)), whole)
    assert all(step >= at for step in again)  # nothing before it is done again


@pytest.mark.usefixtures("_ctrl_c")
def test_a_second_ctrl_c_does_not_wait(tmp_path: Path) -> None:
    def press(step: int, _: int) -> None:
        if step == 4:
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
            pytest.fail("it went on")

    with pytest.raises(KeyboardInterrupt, match="stopped at once: the same call goes on from the last state in"):
        run(lambda: FCN(4, 1), tmp_path, progress=press)
    assert same(run(lambda: FCN(4, 1), tmp_path), run(lambda: FCN(4, 1)))


def test_whoever_handles_ctrl_c_goes_on_doing_so(tmp_path: Path) -> None:
    heard: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: heard.append(number))
    try:
        run(lambda: FCN(4, 1), tmp_path, progress=lambda step, _: step == 4 and signal.raise_signal(signal.SIGINT))
    finally:
        signal.signal(signal.SIGINT, before)
    assert heard == [signal.SIGINT]
