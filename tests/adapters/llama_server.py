"""llama.cpp's own HTTP server, out of the wheel `xllamacpp`: a real server of the protocols that KYO speaks.

It serves OpenAI's chat completions and, for a reranker, the `/rerank` of text-embeddings-inference.
"""

import importlib.util
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_START_SECONDS = 30

needs_llama = pytest.mark.skipif(
    not (importlib.util.find_spec("xllamacpp") and importlib.util.find_spec("gguf")),
    reason="xllamacpp and gguf are not installed: they are in the extra `dev`, where xllamacpp has wheels",
)


@contextmanager
def running_llama(model: Path, *, context: int = 16384, key: str = "", reranks: bool = False) -> Iterator[str]:
    """The address of a server of this model, in a process of its own."""
    command = [sys.executable, __file__, str(model), str(context), key, "rerank" if reranks else "chat"]
    with tempfile.TemporaryFile() as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            yield _address(process, log)
        finally:
            process.kill()


def _address(process: subprocess.Popen[bytes], log: object) -> str:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        log.seek(0)  # type: ignore[attr-defined]  # a binary file, whose type is long
        lines = log.read().decode(errors="replace").splitlines()  # type: ignore[attr-defined]
        if said := [line for line in lines if line.startswith("KYO ")]:
            return said[0].removeprefix("KYO ")
        if process.poll() is not None or time.monotonic() > deadline:
            raise AssertionError("llama.cpp's server did not start:\n" + "\n".join(lines[-20:]))
        time.sleep(0.02)


def _serve(model: str, context: int, key: str, kind: str) -> None:
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = model
    params.n_ctx = context
    params.n_batch = params.n_ubatch = min(context, 2048)
    params.n_parallel = 1
    params.n_gpu_layers = 0
    params.cpuparams.n_threads = 1
    params.warmup = False
    params.ui = False
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.endpoint_slots = True
    if key:
        params.api_keys = [key]
    if kind == "rerank":
        params.embedding = True
        params.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_RANK
    server = xllamacpp.Server(params)
    print(f"\nKYO {server.listening_address}", flush=True)  # noqa: T201 — how the test learns the port
    while True:
        time.sleep(60)


if __name__ == "__main__":
    _serve(sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4])
