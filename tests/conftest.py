"""What every test has: the claims ledger, and hypothesis in three sizes."""

import os

from hypothesis import HealthCheck, settings

# One thread: fastest for small problems, and "the same bits" in a test means those of one number of threads.
os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch is imported

pytest_plugins = ["pytester"]

COMMON = {
    "deadline": None,  # an example may train a network, on a machine shared with others
    "print_blob": True,
    # The `ledger` fixture is meant to outlive an example: it adds up all the examples of its test.
    "suppress_health_check": [HealthCheck.function_scoped_fixture],
}

settings.register_profile("ci", max_examples=25, derandomize=True, **COMMON)
settings.register_profile("default", max_examples=100, **COMMON)
settings.register_profile("thorough", max_examples=10_000, **COMMON)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))
