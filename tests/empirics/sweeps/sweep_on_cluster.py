"""`python sweep_on_cluster.py SPEC OUT`: a sweep on a local Dask cluster of two workers, of which one is killed."""

import sys
from pathlib import Path

from distributed import LocalCluster

import empirics
from empirics.sweeps.workers import dask_cluster
from tests.empirics.sweeps.killing import kill_one

if __name__ == "__main__":
    spec, out = empirics.read_spec(sys.argv[1]), Path(sys.argv[2])
    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster:
        first = next(iter(cluster.workers.values())).pid
        killer = kill_one(lambda: first, out)
        failed = empirics.sweep(spec, out, executor=dask_cluster(cluster.scheduler_address))
        killer.join()
    sys.exit(1 if failed else 0)
