"""Whoever does a sweep's work, and whoever of them dies: nothing is lost, nothing done twice, nothing left behind."""

import os
import socket
import subprocess
import sys
from concurrent.futures import Future
from pathlib import Path

import pyarrow.parquet as parquet
import pytest

import empirics
from empirics.sweeps.results import finished
from empirics.sweeps.sweep import InProcess, _write_run
from empirics.sweeps.workers import dask_cluster, processes
from tests.empirics.sweeps.killing import journal, kill_one

# Four trainings of a second or so each, for workers to die in.
LONG = """
[grid]
depth = [2, 3]
channels = 6
kernel_size = [3, 5]
image_size = 14
optimizer = "adam"
lr = 0.001
steps = 200
seeds = 2
"""


class Lost(InProcess):
    """An executor that goes away with its work."""

    def submit(self, fn, /, *args, **kwargs):
        future = Future()
        future.cancel()
        future.set_running_or_notify_cancel()
        return future


def test_when_the_executor_goes_away_it_is_said_and_results_are_kept(spec, tmp_path):
    empirics.sweep(spec("[grid]\nsteps = 1\nimage_size = 7"), tmp_path)
    (tmp_path / "results.parquet").unlink()
    found = spec("[grid]\nsteps = 1\nimage_size = 7\nkernel_size = [3, 5]")
    (error,) = empirics.sweep(found, tmp_path, executor=Lost).values()
    assert error == "CancelledError: the executor, or the cluster's scheduler, went away"
    assert parquet.read_table(tmp_path / "results.parquet").num_rows == 1


def test_only_what_dead_workers_left_is_swept_up(spec, tmp_path):
    found = spec("[grid]\nsteps = 1\nimage_size = 7")
    with subprocess.Popen([sys.executable, "-c", ""]) as dead:
        pass
    (run,) = found.runs
    host = socket.gethostname()
    workers = (f"{host}.{dead.pid}", f"{host}.{os.getppid()}", "elsewhere.1")
    left = [tmp_path / "runs" / f".{run.key}.{worker}" for worker in workers]
    for place in left:
        place.mkdir(parents=True)
    assert empirics.sweep(found, tmp_path) == {}
    assert [place.exists() for place in left] == [False, True, True]


def test_a_run_that_another_worker_has_finished_leaves_nothing_behind(spec, tmp_path):
    found = spec("[grid]\nsteps = 1\nimage_size = 7")
    assert empirics.sweep(found, tmp_path) == {}
    (run,) = found.runs
    (tmp_path / "runs" / f".{run.key}.{socket.gethostname()}.tmp").mkdir()  # not ours
    _write_run(tmp_path, run, {"settings": {"recipe": {}}}, {})
    assert sorted(place.name for place in (tmp_path / "runs").iterdir()) == [
        f".{run.key}.{socket.gethostname()}.tmp",
        run.key,
    ]
    assert len(empirics.sweep_table(tmp_path)) == 1


def test_a_cluster_has_an_address():
    for wrong in ("foo", "localhost:8786", "tcp://localhost"):
        with pytest.raises(ValueError, match=f"scheduler must be an address tcp://HOST:PORT, got '{wrong}'"):
            dask_cluster(wrong)


def assert_all_done_once(found, folder: Path) -> None:
    assert all(finished(folder, run) for run in found.runs)  # nothing lost
    ended = [key for line in journal(folder) for key in line["runs"]]
    assert len(set(ended)) == len(ended)  # nothing twice to its end
    # A worker that dies when its runs are written, and before it says so, leaves no line.
    assert 0 < len(ended) <= len(found.runs)
    assert empirics.sweep_table(folder).num_rows == len(found.runs)
    assert not list((folder / "runs").glob(".*"))


def test_processes_of_which_one_is_killed(spec, tmp_path):
    found, made = spec(LONG), []

    def executor():
        made.append(processes(2)())
        return made[-1]

    thread = kill_one(lambda: next(iter(made[0]._processes)), tmp_path)
    assert empirics.sweep(found, tmp_path, executor=executor) == {}
    thread.join()
    assert len(made) == 2  # the pool broke, and another went on
    assert_all_done_once(found, tmp_path)


def test_a_cluster_of_two_workers_of_which_one_is_killed(spec, tmp_path):
    found = spec(LONG)
    # In a process of its own: Dask's threads draw random numbers, which would disturb those of other tests here.
    script = Path(__file__).with_name("sweep_on_cluster.py")
    ended = subprocess.run(
        [sys.executable, str(script), str(tmp_path / "spec.toml"), str(tmp_path)],
        cwd=Path(__file__).parents[3],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    assert_all_done_once(found, tmp_path)


def test_in_process_futures_hold_errors():
    assert InProcess().submit(int, "3").result() == 3
    assert isinstance(InProcess().submit(int, "x").exception(), ValueError)
