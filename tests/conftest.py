"""What every test has: the claims ledger, and hypothesis in three sizes."""

import importlib
import os
import pkgutil

import pytest
from hypothesis import HealthCheck, Phase, settings

# One thread: fastest for small problems, and "the same bits" in a test means those of one number of threads.
os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch is imported

pytest_plugins = ["pytester"]

COMMON = {
    "deadline": None,  # an example may train a network, on a machine shared with others
    "print_blob": True,
    # The `ledger` fixture is meant to outlive an example: it adds up all the examples of its test.
    "suppress_health_check": [HealthCheck.function_scoped_fixture],
}

# What CI tries must be the same wherever one commit is tried. No search towards large errors, whose last bits depend
# on the processor; and every module loaded before the first example, because examples borrow constants from the code
# that happens to be loaded, which would otherwise depend on the order of the tests.
SAME_EVERYWHERE = [Phase.explicit, Phase.generate, Phase.shrink]
settings.register_profile("ci", max_examples=25, derandomize=True, phases=SAME_EVERYWHERE, **COMMON)
settings.register_profile("default", max_examples=100, **COMMON)
settings.register_profile("thorough", max_examples=10_000, **COMMON)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Load every module of the project; not where `make shapes` checks annotations, and for a few tests alone."""
    if settings.default.derandomize and not session.config.getoption("--jaxtyping-packages"):
        for name in ("files", "numerics", "theory", "empirics", "paper_figures", "verification"):
            package = importlib.import_module(name)
            for module in pkgutil.walk_packages(package.__path__, f"{name}."):
                if not module.name.endswith("__main__"):
                    importlib.import_module(module.name)
