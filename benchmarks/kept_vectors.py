"""Vectors of texts, kept in a folder: to embed takes longer than most of what is measured."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from kyo_pipeline.domain.ports import Embedder, Vectors


def embedded(embedder: Embedder, texts: Sequence[str], keep: Path) -> Vectors:
    """The vectors of passages, shape (len(texts), dimensions): those in `keep` if they are of these texts and model."""
    spec = embedder.spec
    name = hashlib.sha256("\0".join([spec.model, spec.revision, *texts]).encode()).hexdigest()
    kept = keep / "vectors" / f"{name}.npy"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        np.save(kept, embedder.embed_passages(texts))
    vectors: Vectors = np.load(kept)
    return vectors
