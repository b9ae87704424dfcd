"""A sweep that is stopped, at whatever moment and however, goes on inside the group that was in training."""

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import torch

import empirics
from empirics import cli
from empirics.sweeps import begun
from empirics.sweeps.cost import multiplications
from empirics.sweeps.results import finished
from empirics.sweeps.spec import Group, Spec
from empirics.sweeps.sweep import left_to_train
from empirics.sweeps.workers import InProcess
from empirics.training.storage import read_tensors
from tests.empirics.sweeps.killing import journal

STEPS = 40
GRID = f"""
weights = true
[grid]
depth = 2
channels = 3
kernel_size = [3, 5]
image_size = 7
optimizer = "adam"
lr = 0.001
steps = {STEPS}
seeds = 2
"""
EACH_STEP = timedelta(microseconds=1)
ROOT = Path(__file__).parents[3]


@pytest.fixture
def stop_at(monkeypatch):
    """Press Ctrl-C at a step of the first group's training; hears all steps that are taken."""
    heard = []
    teller = begun.teller

    def stop(step):
        def listening(place):
            tell = teller(place)

            def hear(done, steps):
                heard.append(done)
                tell(done, steps)
                if done == step:
                    raise KeyboardInterrupt

            return hear

        monkeypatch.setattr(begun, "teller", listening)
        return heard

    return stop


def weights(folder: Path, found: Spec) -> dict:
    return {run.key: read_tensors(folder / "runs" / run.key, "weights")[0] for run in found.runs}


def test_it_goes_on_inside_the_group_and_ends_at_the_same_weights(spec, tmp_path, stop_at):
    found = spec(GRID)
    assert empirics.sweep(found, tmp_path / "whole") == {}
    heard = stop_at(25)
    with pytest.raises(KeyboardInterrupt):
        empirics.sweep(found, tmp_path / "stopped", checkpoint_every=EACH_STEP)
    assert not any(finished(tmp_path / "stopped", run) for run in found.runs)
    assert (tmp_path / "stopped" / "results.parquet").exists()
    heard.clear()
    stop_at(None)
    assert empirics.sweep(found, tmp_path / "stopped", checkpoint_every=EACH_STEP) == {}
    first_group = heard[: heard.index(STEPS) + 1]
    assert first_group[0] in (24, 25)  # the state that was put away last
    assert not (tmp_path / "stopped" / "begun").exists()
    whole, stopped = weights(tmp_path / "whole", found), weights(tmp_path / "stopped", found)
    for key, tensors in whole.items():
        for name, value in tensors.items():
            assert torch.equal(stopped[key][name], value), (key, name)


def test_killed_while_results_are_written_it_trains_nothing_again(spec, tmp_path, stop_at, monkeypatch):
    """One of two runs is there, the other is not: it comes from the checkpoint of both."""
    found = spec(GRID)
    assert empirics.sweep(found, tmp_path / "whole") == {}
    module = sys.modules["empirics.sweeps.sweep"]
    write = module._write_run

    def write_one(folder, run, metrics, tensors):
        if run.seed == 1:
            raise KeyboardInterrupt
        write(folder, run, metrics, tensors)

    monkeypatch.setattr(module, "_write_run", write_one)
    with pytest.raises(KeyboardInterrupt):
        empirics.sweep(found, tmp_path / "stopped")
    monkeypatch.setattr(module, "_write_run", write)
    (group, unfinished), (_, all_of_it) = left_to_train(found, tmp_path / "stopped")
    assert ([run.seed for run in group.runs], unfinished, all_of_it) == ([0, 1], 1, 2)
    heard = stop_at(None)
    assert empirics.sweep(replace(found, runs=group.runs), tmp_path / "stopped") == {}
    assert [step for step in heard if step < STEPS] == []
    assert empirics.sweep(found, tmp_path / "stopped") == {}
    for key, tensors in weights(tmp_path / "whole", found).items():
        for name, value in tensors.items():
            assert torch.equal(weights(tmp_path / "stopped", found)[key][name], value)
    line, *_ = journal(tmp_path / "stopped")
    assert line["runs"] == [group.runs[1].key]
    written = tmp_path / "stopped" / "runs" / group.runs[1].key / "metrics.json"
    assert json.loads(written.read_text())["seconds"] == line["seconds"]  # nobody shares them
    assert not (tmp_path / "stopped" / "begun").exists()


def test_a_checkpoint_of_another_training_is_not_used(spec, tmp_path, stop_at):
    """As one on another device: the group is trained anew, and the sweep does not fail for ever."""
    found = spec(GRID)
    stop_at(5)
    with pytest.raises(KeyboardInterrupt):
        empirics.sweep(found, tmp_path, checkpoint_every=EACH_STEP)
    heard = stop_at(None)
    heard.clear()
    for index in (tmp_path / "begun").glob("*/stack-*.json"):
        index.unlink()
    place = begun.place_of(tmp_path, next(iter(found.groups())))
    other = empirics.Recipe(steps=3)
    empirics.train(lambda: empirics.CNN(1, 1), torch.rand(1, 4, 4), recipe=other, checkpoint=place, progress=False)
    assert empirics.sweep(found, tmp_path) == {}
    assert heard[: STEPS + 1] == list(range(STEPS + 1))


def test_a_group_that_another_process_trains_is_left_its_checkpoint(spec, tmp_path):
    found = spec(GRID)
    (group, _), _ = left_to_train(found, tmp_path)
    place = begun.begin(tmp_path, group)
    owner = json.loads((place / "owner.json").read_text())
    assert owner["process"] == os.getpid()
    (place / "owner.json").write_text(json.dumps(owner | {"process": os.getppid()}))
    assert begun.begin(tmp_path, group) is None
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        pass
    (place / "owner.json").write_text(json.dumps(owner | {"process": gone.pid}))
    assert begun.begin(tmp_path, group) == place


def test_the_standing_counts_what_an_earlier_start_finished_and_foretells_the_rest(spec, tmp_path, monkeypatch):
    found = spec("[grid]\ndepth = [1, 2, 3]\nsteps = 1\nimage_size = 7\nchannels = 2\nseeds = 2")
    assert empirics.sweep(Spec(found.runs[:2]), tmp_path) == {}
    now, told = [100.0], []
    monkeypatch.setattr("empirics.sweeps.standing.time.monotonic", lambda: now[0])
    train_group = sys.modules["empirics.sweeps.sweep"].train_group

    def taking_10_seconds(group, *how):
        now[0] += 10
        return train_group(group, *how)

    monkeypatch.setattr("empirics.sweeps.sweep.train_group", taking_10_seconds)
    monkeypatch.setattr("empirics.sweeps.sweep._each_second", lambda watch: __import__("contextlib").nullcontext())
    assert empirics.sweep(found, tmp_path, report=told.append) == {}
    assert [(at.groups, at.of_groups, at.runs, at.of_runs, at.failed) for at in told] == [
        (2, 3, 4, 6, 0),
        (3, 3, 6, 6, 0),
    ]
    one, two, three = (multiplications(group.runs) for group in found.groups())
    # Weights of 5 × 5 taps at 49 places: 1 → 1; 1 → 2 → 1; 1 → 2 → 2 → 1.
    assert [cost / (3 * 49 * 25 * 2) for cost in (one, two, three)] == [1, 4, 8]
    rounding = 2 * 5 * 2.0**-53  # five sums, products and quotients of whole numbers on either side
    assert told[0].share == pytest.approx((one + two) / (one + two + three), rel=rounding)
    assert told[0].seconds_left == pytest.approx(10 * three / two, rel=rounding)
    assert str(told[0]) == "2 of 3 groups, 4 of 6 runs, about 20 s left"
    assert (str(told[1]), told[1].share) == ("3 of 3 groups, 6 of 6 runs", 1.0)


def test_time_left_is_told_from_inside_the_first_group(spec, tmp_path, monkeypatch):
    """A checkpoint held 25 of 100 steps; another 25 took 10 seconds, so that 50 take 20."""
    found = spec("[grid]\nsteps = 100\nimage_size = 7")
    ((group, runs),) = left_to_train(found, tmp_path)
    now, told = [0.0], []
    monkeypatch.setattr("empirics.sweeps.standing.time.monotonic", lambda: now[0])
    watch = sys.modules["empirics.sweeps.standing"].Watch(tmp_path, [(group, runs)], (0, 0, 0.0), told.append)
    place = begun.begin(tmp_path, group)
    watch.tell()
    assert str(told[0]) == "0 of 1 groups, 0 of 1 runs"
    for done in (25, 50):
        (place / "progress.json").write_text(json.dumps({"first": 25, "done": done, "steps": 100}))
        now[0] = (done - 25) / 2.5
        watch.tell()
    assert told[1].seconds_left is None
    assert (told[2].share, told[2].seconds_left) == (0.5, 20.0)


class BreaksOnce(InProcess):
    """A pool of processes of which one dies at the second piece of work, and all that follow are lost."""

    broken = False

    def __init__(self):
        self.given = 0

    def submit(self, fn, /, *args, **kwargs):
        self.given += 1
        if BreaksOnce.broken or self.given < 2:
            return super().submit(fn, *args, **kwargs)
        future = Future()
        future.set_exception(BrokenProcessPool("one died"))
        return future

    def __exit__(self, *_):
        BreaksOnce.broken = True


def test_when_a_pool_breaks_its_groups_are_not_counted_as_done(spec, tmp_path):
    found, told = spec("[grid]\nkernel_size = [1, 3, 5]\nsteps = 1\nimage_size = 7"), []
    assert empirics.sweep(found, tmp_path, executor=BreaksOnce, report=told.append) == {}
    done = [(at.groups, at.failed) for at in told]
    assert done == sorted(done)  # it never goes back
    assert set(done) == {(1, 0), (2, 0), (3, 0)}


def test_groups_that_fail_are_told_apart(spec, tmp_path):
    told = []
    empirics.sweep(spec("[grid]\nfirst = [140, 900]\nsteps = 1\nimage_size = 7"), tmp_path, report=told.append)
    assert str(told[-1]) == "1 of 2 groups, 1 of 2 runs, 1 failed"
    assert told[-1].share == 1.0
    assert not (tmp_path / "begun").exists()


def test_ctrl_c_in_this_process_says_what_is_kept(tmp_path, stop_at, capsys):
    (tmp_path / "spec.toml").write_text(GRID)
    stop_at(25)
    with pytest.raises(SystemExit) as stop:
        cli.main(["sweep", str(tmp_path / "spec.toml"), "--out", str(tmp_path / "out")])
    assert stop.value.code == 130
    said = capsys.readouterr().err.splitlines()
    assert said[-1] == (
        f"interrupted: 0 of 4 runs are finished, in {tmp_path / 'out'}; the same command goes on from there"
    )


@pytest.mark.skipif(os.name == "nt", reason="signals to a group of processes")
def test_ctrl_c_ends_all_processes_and_says_what_is_kept(tmp_path):
    """As a terminal sends it: to every process of the command at once."""
    (tmp_path / "spec.toml").write_text(GRID.replace(f"steps = {STEPS}", "steps = 100_000_000"))
    command = [sys.executable, "-m", "empirics", "sweep", tmp_path / "spec.toml", "--out", tmp_path, "--workers", "2"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # Tests that run in the background of a shell ignore Ctrl-C, and what they start would, too.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as sweep:
        try:
            until = time.monotonic() + 120
            while len(list(tmp_path.glob("begun/*/progress.json"))) < 2 and time.monotonic() < until:
                assert sweep.poll() is None
                time.sleep(0.05)
            workers = [json.loads(path.read_text())["process"] for path in tmp_path.glob("begun/*/owner.json")]
            os.killpg(sweep.pid, signal.SIGINT)
            out, err = sweep.communicate(timeout=60)
        finally:  # whatever failed: a sweep that nobody ends would train for months
            with suppress(ProcessLookupError):
                os.killpg(sweep.pid, signal.SIGKILL)
    assert sweep.returncode == 130
    assert len(workers) == 2
    assert not any(begun.alive(process) for process in workers)
    assert (out, err) == (
        "",
        f"interrupted: 0 of 4 runs are finished, in {tmp_path}; the same command goes on from there\n",
    )
    assert journal(tmp_path) == []


def test_how_far_a_group_is_counts_from_where_it_went_on(tmp_path, monkeypatch):
    now = [0.0]
    monkeypatch.setattr("empirics.sweeps.begun.time.monotonic", lambda: now[0])
    tell = begun.teller(tmp_path)
    for second, step in enumerate((25, 26, 40)):
        now[0] = float(second)
        tell(step, 100)
    assert json.loads((tmp_path / "progress.json").read_text()) == {"first": 25, "done": 40, "steps": 100}


def test_a_training_that_fails_leaves_nothing_begun(spec, tmp_path, monkeypatch):
    def fail(*_, **__):
        raise ValueError("no such thing can be trained")

    monkeypatch.setattr("empirics.sweeps.sweep.train", fail)
    failed = empirics.sweep(spec("[grid]\nsteps = 1\nimage_size = 7"), tmp_path)
    assert list(failed.values()) == ["ValueError: no such thing can be trained"]
    assert not (tmp_path / "begun").exists()


def test_a_group_of_which_the_spec_has_a_part_is_begun_anew(spec, tmp_path):
    found = spec(GRID)
    group = next(iter(found.groups()))
    begun.begin(tmp_path, group)
    assert left_to_train(Spec(group.runs[:1]), tmp_path) == [(Group(group.runs[:1]), 1)]


def test_groups_of_another_spec_are_left_alone(spec, tmp_path):
    found = spec(GRID)
    groups = list(found.groups())
    begun.begin(tmp_path, groups[0])
    assert [group for group, _ in left_to_train(Spec(groups[1].runs), tmp_path)] == [Group(groups[1].runs)]
    assert begun.place_of(tmp_path, groups[0]).exists()
