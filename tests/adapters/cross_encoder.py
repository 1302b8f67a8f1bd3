"""A cross-encoder for tests: a real ONNX graph beside a real tokenizer, small enough to write on the spot."""

import json
import shutil
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

MAX_TOKENS = 64


def write_cross_encoder(folder: Path, tokenizer: Path) -> NDArray[np.float32]:
    """Write it with a copy of this tokenizer.json. Its score of a pair is the sum over all tokens of one weight each.

    Returns those weights, of shape (2, vocabulary): one for tokens of the question, one for those of the text.
    """
    import onnx  # late: it takes a while to import
    from onnx import TensorProto, helper, numpy_helper

    vocabulary = len(json.loads(tokenizer.read_text(encoding="utf-8"))["model"]["vocab"])
    weights = np.random.default_rng(5).standard_normal((2, vocabulary)).astype(np.float32)
    names = ("input_ids", "attention_mask", "token_type_ids")
    nodes = [
        # The weights as one row of numbers: those of the text begin after those of the question.
        helper.make_node("Mul", ["token_type_ids", "vocabulary"], ["offsets"]),
        helper.make_node("Add", ["input_ids", "offsets"], ["places"]),
        helper.make_node("Gather", ["weights", "places"], ["weighed"]),
        helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["weighed", "mask"], ["masked"]),
        helper.make_node("ReduceSum", ["masked", "axes"], ["logits"], keepdims=1),
    ]
    graph = helper.make_graph(
        nodes,
        "cross-encoder",
        [helper.make_tensor_value_info(name, TensorProto.INT64, ["pairs", "tokens"]) for name in names],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["pairs", 1])],
        [
            numpy_helper.from_array(np.array(vocabulary, np.int64), "vocabulary"),
            numpy_helper.from_array(weights.reshape(-1), "weights"),
            numpy_helper.from_array(np.array([1], np.int64), "axes"),
        ],
    )
    folder.mkdir(parents=True, exist_ok=True)
    # Versions that every runtime in question reads.
    model = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])
    onnx.checker.check_model(model)
    onnx.save(model, folder / "model.onnx")
    shutil.copy(tokenizer, folder / "tokenizer.json")
    (folder / "config.json").write_text('{"pad_token_id": 0}')
    (folder / "tokenizer_config.json").write_text(json.dumps({"model_max_length": MAX_TOKENS, "pad_token": "[PAD]"}))
    return weights
