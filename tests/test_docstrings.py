"""Docstrings say what they mean where they stand: errors in words, and examples that run."""

import ast
import doctest
import importlib
import inspect
from pathlib import Path

import pytest

PACKAGES = ("files", "verification", "numerics", "theory", "empirics", "paper_figures")
ROOT = Path(__file__).parents[1]
SECTIONS = ("Args", "Attributes", "Returns", "Raises", "Warns", "Yields", "Source", "Example")

# What users call first, by where it is imported from: each has a short example.
FIRST = {
    "numerics": [
        "patch_matrix",
        "patch_gram",
        "patch_rank",
        "patch_ranks",
        "generic_patch_rank",
        "support_certificate",
        "row_space",
    ],
    "numerics ": ["patch_ranks", "GaussianQuadraticForm", "momentum_response"],
    "theory": ["gradient_descent", "initialization_ensemble", "max_stable_lr", "decompose", "identity_mse_bound"],
    "theory ": ["per_image", "from_torch", "relu_fate", "derive"],
    "theory.wide": ["gradient_flow", "tendencies", "fixed_point"],
    "theory.depth": ["ceiling", "least_depth"],
    "theory.tangent": ["linearize"],
    "theory.learning": ["learning_law"],
    "empirics": ["train", "images", "likeness", "correlation", "initialize", "mix", "zone", "attractors"],
    "empirics ": ["jacobian_spectrum", "probe", "layer_activations", "mean_squared_error", "blend"],
    "verification": ["claim"],
}
NAMES = [(module.strip(), name) for module, names in FIRST.items() for name in names]


def entries(docstring: str, section: str) -> list[str]:
    """The entries of a section of a Google-style docstring, each in one line."""
    found: list[str] = []
    inside, indent = False, 0
    for line in inspect.cleandoc(docstring).splitlines():
        if line.strip() in {f"{name}:" for name in SECTIONS}:
            inside, indent = line.strip() == f"{section}:", len(line) - len(line.lstrip()) + 4
        elif inside and line.strip():
            if len(line) - len(line.lstrip()) < indent:
                inside = False
            elif len(line) - len(line.lstrip()) == indent:
                found.append(line.strip())
            else:
                found[-1] += f" {line.strip()}"
    return found


def docstrings(package: str):
    """Where each docstring of a package stands, and its words."""
    for path in sorted((ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Module):
                words = ast.get_docstring(node)
                if words:
                    yield f"{path.relative_to(ROOT)}, {getattr(node, 'name', 'its head')}", words


@pytest.mark.parametrize("package", PACKAGES)
def test_errors_are_described_where_they_are_raised(package):
    """An entry like "as `train`" sends the reader elsewhere, to words about other arguments."""
    for where, words in docstrings(package):
        for entry in entries(words, "Raises"):
            name, colon, reason = entry.partition(": ")
            assert colon, f"{where}: {entry}"
            assert not reason.lower().startswith("as "), f"{where}: {entry}"
            assert len(reason.split()) >= 2, f"{where}: {entry}"
            assert name.split(".")[-1].endswith(("Error", "Interrupt", "Exit", "Training", "Refuted")), where


@pytest.mark.parametrize("package", PACKAGES)
def test_no_docstring_cites_what_is_not_in_the_project(package):
    for where, words in docstrings(package):
        assert "design.md" not in words, where


@pytest.mark.parametrize(("module", "name"), NAMES, ids=lambda part: part)
def test_what_is_called_first_has_an_example_that_runs(module, name):
    subject = getattr(importlib.import_module(module), name)
    tests = [test for test in doctest.DocTestFinder(recurse=False).find(subject, name) if test.examples]
    assert tests, f"{module}.{name} has no example"
    (test,) = tests
    result = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(test)
    assert result.failed == 0
    assert any(example.want for example in test.examples)  # something is shown
