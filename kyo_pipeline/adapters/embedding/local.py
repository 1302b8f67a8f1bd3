"""Transformer embeddings on this machine's CPU, by fastembed: a model by its name, or out of a folder."""

import hashlib
import json
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from tokenizers import Tokenizer as HubTokenizer

from kyo_pipeline.adapters.embedding.profiles import GRAPHS, Profile, profile_of
from kyo_pipeline.adapters.embedding.tokenizer import FastTokenizer
from kyo_pipeline.adapters.embedding.vectors import by_length, unit_rows
from kyo_pipeline.domain.embedding import EmbeddingSpec
from kyo_pipeline.domain.ports import Vectors
from kyo_pipeline.errors import Invalid, Unavailable

if TYPE_CHECKING:
    from fastembed import TextEmbedding

_BATCH = 16  # on a CPU larger batches only cost memory
_REGISTERING = threading.Lock()


class LocalEmbedder:
    """Implements the port `Embedder`. Making one loads the model, and downloads it when it is a name.

    Raises `Invalid` when the extra is not installed or the folder incomplete, `Unavailable` when a download
    fails.
    """

    calls = 0

    def __init__(self, model: str, cache_dir: Path) -> None:
        folder = Path(model)
        profile = profile_of(model)
        if folder.is_dir():
            self._model, graph = _from_folder(folder, profile)
        else:
            self._model, graph = _by_name(model, cache_dir)
        # fastembed's base class does not declare the tokenizer that its ONNX models all have.
        hub_tokenizer: HubTokenizer = getattr(self._model.model, "tokenizer")  # noqa: B009
        limit = min(profile.max_tokens, (hub_tokenizer.truncation or {}).get("max_length", profile.max_tokens))
        hub_tokenizer.enable_truncation(limit)
        self.tokenizer = FastTokenizer(hub_tokenizer.to_str())
        dimensions = int(self._model.embedding_size)
        name = folder.name if folder.is_dir() else model
        self.spec: EmbeddingSpec = profile.spec("local", name, _sha256(graph), dimensions, limit)

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        if not texts:
            return np.empty((0, self.spec.dimensions), dtype=np.float32)
        order = by_length(list(texts))
        vectors = np.empty((len(texts), self.spec.dimensions), dtype=np.float32)
        vectors[order] = np.stack(list(self._model.embed([texts[i] for i in order], batch_size=_BATCH)))
        return unit_rows(vectors)

    def embed_query(self, text: str) -> Vectors:
        vector: Vectors = self.embed_passages([self.spec.query_prefix + text])[0]
        return vector


def _by_name(model: str, cache_dir: Path) -> tuple["TextEmbedding", Path]:
    fastembed = _fastembed()
    try:
        loaded = fastembed.TextEmbedding(model, cache_dir=str(cache_dir))
    except Exception as error:  # fastembed raises many kinds, from network to missing files
        raise Unavailable(
            f"The embedding model {model} cannot be loaded or downloaded. Set KYO_EMBEDDING_MODEL to a model "
            "that fastembed knows, or to a folder with model.onnx."
        ) from error
    return loaded, Path(loaded.model._model_dir) / loaded.model.model_description.model_file


def _from_folder(folder: Path, profile: Profile) -> tuple["TextEmbedding", Path]:
    graph = next((folder / name for name in GRAPHS if (folder / name).exists()), None)
    if graph is None or not (folder / "tokenizer.json").exists():
        raise Invalid(f"{folder} is no embedding model: model.onnx or tokenizer.json is missing.")
    name = _register(folder, graph, profile)
    try:
        return _fastembed().TextEmbedding(name, specific_model_path=str(folder)), graph
    except Exception as error:  # fastembed raises many kinds for files that are wrong
        raise Invalid(f"The embedding model in {folder} has a file that is missing or damaged.") from error


def _register(folder: Path, graph: Path, profile: Profile) -> str:
    """Tell fastembed of the model, once a process, under a name that stands for the folder; return it."""
    fastembed = _fastembed()
    from fastembed.common.model_description import ModelSource, PoolingType

    name = f"kyo/{hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16]}"
    with _REGISTERING:
        if name not in {known["model"] for known in fastembed.TextEmbedding.list_supported_models()}:
            fastembed.TextEmbedding.add_custom_model(
                model=name,
                pooling=PoolingType.CLS if profile.pooling == "cls" else PoolingType.MEAN,
                normalization=True,
                sources=ModelSource(hf=name),
                dim=_hidden_size(folder),
                model_file=str(graph.relative_to(folder)),
            )
    return name


def _hidden_size(folder: Path) -> int:
    try:
        return int(json.loads((folder / "config.json").read_text(encoding="utf-8"))["hidden_size"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Invalid(f"{folder / 'config.json'} does not tell the hidden_size of the model.") from error


def _fastembed() -> Any:
    try:
        import fastembed  # late: an extra that need not be installed
    except ImportError as error:
        raise Invalid(
            "Local embedding models need the extra `local`: pip install 'know-your-organization[local]'."
        ) from error
    return fastembed


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
