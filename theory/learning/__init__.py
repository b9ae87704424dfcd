"""Which example is learned when: the probability that each one is right after each step, with nothing trained.

Over random initial weights the answers of an infinitely wide network (and of a linear one-layer network of any size)
are Gaussian after any number of steps of gradient descent. So the chance that the right label has the largest output is
one integral for each example.
"""

from theory.learning.argmax import probability_of_largest
from theory.learning.labelled_law import LabelledLaw, LossLaw
from theory.learning.learning_law import LearningLaw, learning_law

__all__ = ["LabelledLaw", "LearningLaw", "LossLaw", "learning_law", "probability_of_largest"]
