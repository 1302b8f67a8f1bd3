"""How the two legs of a search are weighed against each other."""

import math
from dataclasses import dataclass

from kyo_pipeline.domain.embedding import EmbeddingSpec
from kyo_pipeline.domain.lexical import Analysis

#: So that half of the weight each is near the best for a sentence transformer.
_SCALE = 8.0

#: What is left of the cosine's say in a language that the model was not made for: names and numbers are alike in many.
_FOREIGN = 0.3


@dataclass(frozen=True)
class Factors:
    """What a cosine and a BM25 score are multiplied with before they are added."""

    dense: float
    lexical: float

    @staticmethod
    def of(spec: EmbeddingSpec, analysis: Analysis) -> "Factors":
        """Scores as they are, not stretched over what was found: how high they are says which leg knows the answer.

        A BM25 score grows with the number and the rarity of the question's words. Divided by the root of their inverse
        document frequencies in all, it has more say in a question of many rare words than in one of few common ones.
        Measured beside min-max and z-scores, reciprocal ranks, and division by the sum: see docs/benchmarks.md.
        """
        weight = spec.dense_weight
        trust = 1.0 if spec.knows(analysis.spoken) else _FOREIGN
        total = sum(analysis.weights.values())
        return Factors(trust * _SCALE * weight, (1 - weight) / math.sqrt(total) if total > 0 else 1 - weight)
