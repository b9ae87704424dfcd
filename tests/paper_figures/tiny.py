"""The smallest networks that figures can be made of."""

from paper_figures.scale import FigureScale


def tiny(steps: int) -> FigureScale:
    """Two channels, eight units, and so many steps."""
    return FigureScale(
        "tiny",
        channels=2,
        width=8,
        seeds=2,
        training=(("optimizer", "adam"), ("lr", 1e-3), ("steps", steps), ("scheme", "xavier_uniform")),
    )


TINY = tiny(steps=2)
