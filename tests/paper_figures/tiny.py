"""The smallest networks that figures can be made of."""

from paper_figures.scale import Scale


def tiny(steps: int) -> Scale:
    """Two channels, eight units, and so many steps."""
    return Scale(
        "tiny",
        channels=2,
        width=8,
        seeds=2,
        training=(("optimizer", "adam"), ("lr", 1e-3), ("steps", steps), ("init", "xavier_uniform")),
    )


TINY = tiny(steps=2)
