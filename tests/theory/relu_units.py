"""ReLU units by the definition, step by step, in whatever numbers they are given."""


def sequence(rate, momentum, length):
    """U₀, U₁, …: U_{t+2} = (1 + β − a) U_{t+1} − β U_t from 0 and 1."""
    terms = [rate * 0, rate * 0 + 1]
    while len(terms) < length + 1:
        terms.append((1 + momentum - rate) * terms[-1] - momentum * terms[-2])
    return terms


def train_unit(start, target, rate, momentum, steps):
    """Responses and displacements of a unit, or an array of them, after 0, 1, …, steps steps, in torch's order."""
    response, displacement = start, start * 0
    responses, displacements = [response], [displacement]
    for _ in range(steps):
        error = (response - target) * (response > 0)
        displacement = momentum * displacement + rate * error
        response = response - displacement
        responses.append(response)
        displacements.append(displacement)
    return responses, displacements
