"""What a piece of work adds to the peak of a process's memory, each in a process of its own."""

from benchmarks.rows.worker import peak_memory

LIMIT = """
import numpy as np, theory
image = np.random.default_rng(0).random((1, {side}, {side}))
def work():
    theory.gradient_descent(theory.Convolutional(1, kernel_size=31), image)
theory.gradient_descent(theory.Convolutional(1, kernel_size=3), image[:, :64, :64])
"""

UNFOLDED = """
import numpy as np, torch
torch.set_num_threads(1)
x = torch.from_numpy(np.random.default_rng(0).random((1, 1, {side}, {side})))
def work():
    patches = torch.nn.functional.unfold(x, 31, padding=15)[0]
    torch.linalg.eigh(patches @ patches.T)
"""

PREDICTIONS = """
import numpy as np, theory
images = np.random.default_rng(0).random((10_000, 1, 28, 28))
network = theory.{network}
trained = theory.gradient_descent(network, images[:1]{flat})
given = images{flat}
trained(given[:10])
def work():
    trained(given)
"""

FLAT = ".reshape(-1, 784)"


def cases() -> dict[str, str]:
    """Scripts by what they do."""
    return {
        "limit, 512×512, k=31": LIMIT.format(side=512),
        "the same, unfold + Gram + eigh": UNFOLDED.format(side=512),
        "limit, 4096×4096, k=31": LIMIT.format(side=4096),
        "10,000 CNN predictions (input 60 MiB, output 60 MiB)": PREDICTIONS.format(
            network="Convolutional(1, kernel_size=5)", flat=""
        ),
        "10,000 LCN predictions": PREDICTIONS.format(network="LocallyConnected(1, kernel_size=3)", flat=""),
        "10,000 FCN predictions": PREDICTIONS.format(network="FullyConnected(784)", flat=FLAT),
    }


def measured() -> dict[str, float]:
    """MiB that each adds."""
    return {name: peak_memory(script) for name, script in cases().items()}
