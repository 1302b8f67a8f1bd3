"""A server of the protocol of text-embeddings-inference (TEI) that runs a real model: tests and measurements ask it.

    python -m tests.adapters.embedding_server --model DIR --dimensions 384 --port 8090

Models that KYO does not know are given chunks of up to 512 tokens: start it with `--tokens 512` for such a name.
`DIR` holds model.onnx and tokenizer.json of a BERT-like sentence transformer. `POST /` embeds, `POST /rerank` scores.

- 384 dimensions (the model's own width): the mean of its token vectors.
- 768 (twice that): that mean and the maximum of each component, both of length 1, side by side, and again of length 1.
- Scores: for each token of the question the best cosine among the tokens of the text, and the mean of those (MaxSim of
  late interaction: Khattab and Zaharia, ColBERT, 2020). The weights were not trained for that, but they rank.

Sizes, errors and the order of answers follow TEI: 32 texts at most, 413 for more and for what is too long, unless
`truncate` is true.
"""

import argparse
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAX_TOKENS = 256
MAX_BATCH = 32

Matrix = NDArray[np.float32]


class Refused(Exception):
    """The request cannot be served: an HTTP status, and TEI's two words for it."""

    def __init__(self, status: int, message: str, kind: str) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind


class TokenModel:
    """Vectors of tokens, by the ONNX runtime. Threads may share it.

    It keeps those of the first `kept` texts, in half precision (up to 200 kB each): what was embedded as a passage is
    then scored at once.
    """

    def __init__(self, folder: Path, kept: int = 0, max_tokens: int = MAX_TOKENS) -> None:
        import onnxruntime  # late: it is in the extra `local` only
        from tokenizers import Tokenizer

        self._session = onnxruntime.InferenceSession(folder / "model.onnx", providers=["CPUExecutionProvider"])
        self._inputs = {one.name for one in self._session.get_inputs()}
        self._whole, self._cut = (Tokenizer.from_file(str(folder / "tokenizer.json")) for _ in range(2))
        self._whole.no_truncation()
        self._whole.enable_padding()
        self._cut.enable_truncation(max_tokens)
        self._cut.enable_padding()
        self._kept = kept
        self._max_tokens = max_tokens
        self._vectors: dict[str, NDArray[np.float16]] = {}

    def token_vectors(self, texts: list[str], truncate: bool) -> list[Matrix]:
        """Of each text, shape (tokens, width), not normalised. Raises `Refused`."""
        missing = [text for text in texts if not truncate or text not in self._vectors]
        found = dict(zip(missing, self._computed(missing, truncate), strict=True)) if missing else {}
        for text, vectors in found.items():
            if truncate and len(self._vectors) < self._kept:
                self._vectors[text] = vectors.astype(np.float16)
        return [found[text] if text in found else self._vectors[text].astype(np.float32) for text in texts]

    def _computed(self, texts: list[str], truncate: bool) -> list[Matrix]:
        encoded = (self._cut if truncate else self._whole).encode_batch(texts)
        lengths = [sum(one.attention_mask) for one in encoded]
        if max(lengths) > self._max_tokens:
            raise Refused(
                413, f"`inputs` must have less than {self._max_tokens} tokens. Given: {max(lengths)}", "Validation"
            )
        feeds = {
            "input_ids": np.array([one.ids for one in encoded], np.int64),
            "attention_mask": np.array([one.attention_mask for one in encoded], np.int64),
            "token_type_ids": np.array([one.type_ids for one in encoded], np.int64),
        }
        hidden: Matrix = self._session.run(None, {name: feeds[name] for name in self._inputs})[0]
        return [vectors[:length] for vectors, length in zip(hidden, lengths, strict=True)]


def embedded(tokens: Matrix, dimensions: int) -> Matrix:
    """Shape (dimensions,), of length 1, out of the vectors of the tokens of one text."""
    mean = _unit(tokens.mean(axis=0))
    if dimensions == tokens.shape[1]:
        return mean
    return _unit(np.concatenate([mean, _unit(tokens.max(axis=0))]))


def max_similarity(question: Matrix, text: Matrix) -> float:
    return float((_unit(question) @ _unit(text).T).max(axis=1).mean())


def _unit(vectors: Matrix) -> Matrix:
    unit: Matrix = vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
    return unit


@dataclass(frozen=True)
class Service:
    """The two routes, as functions of the request's JSON. Without a `key` anybody may ask."""

    model: TokenModel
    dimensions: int
    key: str = ""

    def embed(self, asked: dict[str, Any]) -> list[list[float]]:
        texts = _texts(asked, "inputs")
        rows = self.model.token_vectors(texts, bool(asked.get("truncate")))
        return [embedded(tokens, self.dimensions).tolist() for tokens in rows]

    def rerank(self, asked: dict[str, Any]) -> list[dict[str, float]]:
        query, texts = asked.get("query"), _texts(asked, "texts")
        if not isinstance(query, str):
            raise Refused(422, "`query` must be a string", "Validation")
        truncate = bool(asked.get("truncate"))
        (question,) = self.model.token_vectors([query], truncate)
        scores = [max_similarity(question, tokens) for tokens in self.model.token_vectors(texts, truncate)]
        order = sorted(range(len(texts)), key=lambda index: -scores[index])
        return [{"index": index, "score": scores[index]} for index in order]


def _texts(asked: dict[str, Any], name: str) -> list[str]:
    given = asked.get(name)
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
        raise Refused(422, f"`{name}` must be a string, or a list of strings that is not empty", "Validation")
    if len(texts) > MAX_BATCH:
        raise Refused(413, f"batch size {len(texts)} > maximum allowed batch size {MAX_BATCH}", "Validation")
    return texts


def _server(service: Service, port: int) -> ThreadingHTTPServer:
    routes = {"/": service.embed, "/embed": service.embed, "/rerank": service.rerank}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            try:
                if service.key and self.headers["authorization"] != f"Bearer {service.key}":
                    raise Refused(401, "the key is wrong", "Unauthorized")
                if self.path not in routes:
                    raise Refused(404, "no such route", "NotFound")
                self._answer(200, routes[self.path](json.loads(body)))
            except Refused as refused:
                self._answer(refused.status, {"error": str(refused), "error_type": refused.kind})

        def _answer(self, status: int, answer: object) -> None:
            body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 — http.server's name
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    return server


@contextmanager
def running_embeddings(model: TokenModel, dimensions: int, key: str = "") -> Iterator[str]:
    """The address of a server in this process."""
    server = _server(Service(model, dimensions, key), 0)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--dimensions", type=int, choices=(384, 768), default=384)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--key", default="")
    parser.add_argument("--tokens", type=int, default=MAX_TOKENS, help="of a text that are read; 512 at most")
    parser.add_argument("--kept", type=int, default=0, help="texts whose token vectors stay in memory")
    given = parser.parse_args()
    server = _server(
        Service(TokenModel(given.model, given.kept, given.tokens), given.dimensions, given.key), given.port
    )
    print(f"http://127.0.0.1:{server.server_port}", flush=True)  # noqa: T201 — with port 0 nobody else knows it
    server.serve_forever()


if __name__ == "__main__":
    main()
