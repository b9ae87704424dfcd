"""torch's optimizers, by name, on stacked parameters.

All of them work entry by entry, so that one optimizer over the stacked parameters of many members does to each member
exactly what an optimizer of its own would do.
"""

from collections.abc import Callable, Iterable

from torch import Tensor, optim

Parameters = Iterable[Tensor]

OPTIMIZERS: dict[str, Callable[[Parameters, float, float], optim.Optimizer]] = {
    "sgd": lambda parameters, lr, momentum: optim.SGD(parameters, lr=lr, momentum=momentum),
    "adam": lambda parameters, lr, momentum: optim.Adam(parameters, lr=lr, betas=(momentum, 0.999)),
    "adamax": lambda parameters, lr, momentum: optim.Adamax(parameters, lr=lr, betas=(momentum, 0.999)),
    "rmsprop": lambda parameters, lr, momentum: optim.RMSprop(parameters, lr=lr, momentum=momentum),
    "adagrad": lambda parameters, lr, momentum: optim.Adagrad(parameters, lr=lr),
}
