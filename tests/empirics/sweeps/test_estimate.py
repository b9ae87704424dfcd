"""A dry run lists what would be trained, estimates how long, and changes nothing."""

from dataclasses import replace

import pytest

import empirics
from empirics import cli
from empirics.sweeps import begun, estimate
from empirics.sweeps.cost import multiplications
from empirics.sweeps.estimate import seconds_of
from empirics.sweeps.spec import Spec
from empirics.sweeps.sweep import left_to_train


@pytest.fixture
def clock(monkeypatch):
    """A step takes a hundredth of a second a channel, the first a second more; two stacks are trained."""
    now, trained = [0.0], []

    def train(make_model, inputs, *, recipe, seeds, progress, **_):
        trained.append(make_model().channels)
        for step in range(2 * recipe.steps + 1):
            progress(step, 2 * recipe.steps)
            now[0] += make_model().channels / 100 + (step == 0)

    monkeypatch.setattr(estimate, "train", train)
    monkeypatch.setattr(estimate.time, "monotonic", lambda: now[0])
    return trained


def test_groups_that_train_alike_are_measured_once_and_the_rest_foretold(spec, clock):
    grid = "depth = 2\nimage_size = 7\nchannels = [8, 2, 4]\nlr = [0.1, 0.2]\nseeds = 2"
    found = spec(f"[grid]\nsteps = 1000\n{grid}")
    groups = list(found.groups())
    assert [group.runs[0].channels for group in groups] == [8, 8, 2, 2, 4, 4]
    rounding = 1e-9  # of differences of sums of seconds, each of them below 1000 times the last
    assert seconds_of(groups) == pytest.approx([160, 160, 40, 40, 80, 80], rel=rounding)
    assert clock == [2, 4, 8]
    clock.clear()
    impatient = seconds_of(groups, patience=0.1)  # which one measurement takes
    assert clock == [2]
    ratio = multiplications(groups[0].runs) / multiplications(groups[2].runs)
    assert impatient[:4] == pytest.approx([40 * ratio, 40 * ratio, 40, 40], rel=rounding)
    longer = [replace(run, recipe=replace(run.recipe, steps=3000)) for run in groups[2].runs]
    assert seconds_of(list(Spec(tuple(longer)).groups())) == pytest.approx([120], rel=rounding)


def test_a_dry_run_lists_estimates_and_changes_nothing(spec, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    text = "[grid]\ndepth = [1, 2]\nkernel_size = [3, 5]\nchannels = 2\nsteps = 3\nimage_size = 7\nseeds = 2\n"
    found = spec(text)
    out = tmp_path / "out"
    first, second, *_ = found.groups()
    assert empirics.sweep(Spec(first.runs), out) == {}
    place = begun.begin(out, second)
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    with pytest.raises(SystemExit) as stop:
        cli.main(["sweep", str(tmp_path / "spec.toml"), "--out", str(out), "--dry-run", "--workers", "2"])
    assert not stop.value.code
    said = capsys.readouterr().out
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in said.splitlines() if line.startswith("│")]
    assert [row[:-1] for row in rows] == [["1", "", "5", "2"], ["2", "2", "3", "2"], ["2", "2", "5", "2"]]
    assert all(row[-1].endswith(" s") for row in rows)
    assert "6 of 8 runs would be trained, in 3 groups; 2 are finished" in said
    assert "with 2 workers of this machine" in said
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*")} == before
    assert place.exists()
    assert left_to_train(found, out)[0] == (second, 2)
    assert empirics.sweep(found, out) == {}
    with pytest.raises(SystemExit):
        cli.main(["sweep", str(tmp_path / "spec.toml"), "--out", str(out), "--dry-run"])
    assert capsys.readouterr().out == "0 of 8 runs would be trained, in 0 groups; 8 are finished\n"
