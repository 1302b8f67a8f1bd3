"""How near two questions must be to mean the same, in whichever model's vectors."""

import numpy as np
from numpy.typing import NDArray

#: Questions that have nothing to do with each other: how near these are says what nearness is worth in a model. In some
#: no two texts are far apart.
UNRELATED = (
    "How tall is the tower in the old town?",
    "Who wrote the music for the film about the sea?",
    "Which vitamins are in oranges?",
    "When was the printing press invented?",
    "How do I sharpen a kitchen knife?",
    "What does a volcano give off?",
    "Where do penguins live in winter?",
    "How many players are on a football team?",
    "Why is the sky blue?",
    "What is the capital of Mongolia?",
    "How is paper made from wood?",
    "Which metals are magnetic?",
    "Who won the chess championship?",
    "How long does light take from the sun to the earth?",
    "What do bees do with nectar?",
    "Which river flows through three countries?",
    "How do you tune a violin?",
    "What is the difference between a crocodile and an alligator?",
    "When do cherry trees bloom?",
    "How is glass recycled?",
    "Who painted the ceiling of the chapel?",
    "What makes bread rise?",
    "How deep is the deepest lake?",
    "Which alphabet has the most letters?",
)

#: The share of the room between unrelated and equal that two groups of questions may be apart. Chosen by
#: `benchmarks/gaps.py`: above it, questions about the same thing that want to know something else come together.
_APART = 0.42

Matrix = NDArray[np.float32]


def distance_allowed(unrelated: Matrix) -> float:
    """The cosine distance up to which questions belong together. `unrelated`: the unit vectors of `UNRELATED`."""
    cosines = unrelated @ unrelated.T
    others = cosines[~np.eye(len(unrelated), dtype=bool)]
    return float(_APART * (1 - others.mean()))


def centralities(vectors: Matrix) -> list[float]:
    """The cosine of each row, all of length 1, with the middle of all."""
    middle = vectors.mean(axis=0)
    length = float(np.linalg.norm(middle))
    return [float(one) for one in vectors @ middle / (length or 1.0)]
