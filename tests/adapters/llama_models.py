"""Models for llama.cpp's server that fit into a test: real files of its format, a few hundred kilobytes.

`write_chat_model` is a transformer whose weights say one sentence: attention and feed-forward add nothing, so that the
token before decides what comes next. `write_reranker` is a cross-encoder with random weights.
"""

from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Weights = NDArray[np.float32]

#: Pieces of the sentence, each of them one token. The second passage does not exist in all tests.
SENTENCE = ("Employees", " get", " 30", " days", " [1]", ".")

_BYTES = 256
_WIDTH = 64
_HIDDEN = 32
_CERTAINTY = 8.0  # factor of the logits: at a temperature of 0.1 nothing else is ever drawn


def write_chat_model(path: Path, *, loops: bool = False) -> None:
    """It answers everything with `SENTENCE`, and says that again and again if it `loops`.

    Every byte of a prompt is a token; the prompts that fit are as long as the server's context.
    """
    import gguf  # late: only where the server is installed

    kinds = gguf.TokenType
    controls = [b"<unk>", b"<s>", b"</s>", b"<|answer|>"]
    end, answer = 2, 3
    single = [f"<0x{byte:02X}>".encode() for byte in range(_BYTES)]
    words = [piece.replace(" ", "▁").encode() for piece in SENTENCE]
    first = len(controls) + _BYTES
    chain = [answer, *range(first, first + len(words)), first if loops else end]
    tokens = [*controls, *single, *words, "▁".encode()]  # a space, which would be three bytes else

    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(1 << 17)
    writer.add_embedding_length(_WIDTH)
    writer.add_block_count(1)
    writer.add_feed_forward_length(_HIDDEN)
    writer.add_head_count(2)
    writer.add_head_count_kv(2)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(_WIDTH // 2)
    writer.add_vocab_size(len(tokens))
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    # A word is taken for one token in an answer, never in a prompt: there each byte counts.
    writer.add_token_scores([-1000.0] * first + [0.0] * (len(tokens) - first))
    writer.add_token_types(
        [kinds.UNKNOWN, *[kinds.CONTROL] * 3, *[kinds.BYTE] * _BYTES, *[kinds.NORMAL] * (len(tokens) - first)]
    )
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(end)
    writer.add_unk_token_id(0)
    writer.add_add_bos_token(True)
    writer.add_add_space_prefix(False)
    writer.add_chat_template("{% for message in messages %}{{ message.content }}\n{% endfor %}<|answer|>")
    for name, weights in _chat_weights(chain, len(tokens)).items():
        writer.add_tensor(name, weights)
    _finish(writer)


def _chat_weights(chain: list[int], count: int) -> dict[str, Weights]:
    embeddings = np.random.default_rng(0).standard_normal((count, _WIDTH)).astype(np.float32)
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    output = np.zeros((count, _WIDTH), np.float32)
    for token, following in pairwise(chain):
        output[following] += _CERTAINTY * embeddings[token]
    ones = np.ones(_WIDTH, np.float32)
    square, wide = np.zeros((_WIDTH, _WIDTH), np.float32), np.zeros((_HIDDEN, _WIDTH), np.float32)
    return {
        "token_embd.weight": embeddings,
        "output_norm.weight": ones,
        "output.weight": output,
        "blk.0.attn_norm.weight": ones,
        **{f"blk.0.attn_{part}.weight": square for part in ("q", "k", "v", "output")},
        "blk.0.ffn_norm.weight": ones,
        "blk.0.ffn_gate.weight": wide,
        "blk.0.ffn_up.weight": wide,
        "blk.0.ffn_down.weight": wide.T.copy(),
    }


def write_reranker(path: Path, *, context: int = 512) -> None:
    """A BERT of one layer with a head for one score. Its tokens are letters and digits."""
    import gguf

    signs = "abcdefghijklmnopqrstuvwxyz0123456789.,?!'-"
    controls = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokens = [*controls, *(f"▁{sign}" for sign in signs), *signs]

    writer = gguf.GGUFWriter(path, "bert")
    writer.add_context_length(context)
    writer.add_embedding_length(_HIDDEN)
    writer.add_block_count(1)
    writer.add_feed_forward_length(_WIDTH)
    writer.add_head_count(2)
    writer.add_layer_norm_eps(1e-12)
    writer.add_causal_attention(False)
    writer.add_pooling_type(gguf.PoolingType.RANK)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    writer.add_tokenizer_model("bert")
    writer.add_token_list([token.encode() for token in tokens])
    writer.add_token_types(
        [gguf.TokenType.CONTROL] * len(controls) + [gguf.TokenType.NORMAL] * (len(tokens) - len(controls))
    )
    writer.add_token_type_count(2)
    writer.add_pad_token_id(0)
    writer.add_unk_token_id(1)
    writer.add_bos_token_id(2)
    writer.add_sep_token_id(3)
    writer.add_eos_token_id(3)
    writer.add_mask_token_id(4)
    for name, weights in _reranker_weights(len(tokens), context).items():
        writer.add_tensor(name, weights)
    _finish(writer)


def _reranker_weights(count: int, context: int) -> dict[str, Weights]:
    random = np.random.default_rng(3)

    def drawn(*shape: int) -> Weights:
        return (0.5 * random.standard_normal(shape)).astype(np.float32)

    def linear(name: str, outputs: int, inputs: int) -> dict[str, Weights]:
        return {f"{name}.weight": drawn(outputs, inputs), f"{name}.bias": drawn(outputs)}

    def norm(name: str) -> dict[str, Weights]:
        return {f"{name}.weight": np.ones(_HIDDEN, np.float32), f"{name}.bias": np.zeros(_HIDDEN, np.float32)}

    weights = {
        "token_embd.weight": drawn(count, _HIDDEN),
        "token_types.weight": drawn(2, _HIDDEN),
        "position_embd.weight": drawn(context, _HIDDEN),
        **norm("token_embd_norm"),
    }
    for part in ("q", "k", "v", "output"):
        weights |= linear(f"blk.0.attn_{part}", _HIDDEN, _HIDDEN)
    weights |= norm("blk.0.attn_output_norm") | norm("blk.0.layer_output_norm")
    weights |= linear("blk.0.ffn_up", _WIDTH, _HIDDEN) | linear("blk.0.ffn_down", _HIDDEN, _WIDTH)
    return weights | linear("cls", _HIDDEN, _HIDDEN) | linear("cls.output", 1, _HIDDEN)


def _finish(writer: object) -> None:
    writer.write_header_to_file()  # type: ignore[attr-defined]  # gguf is imported late
    writer.write_kv_data_to_file()  # type: ignore[attr-defined]
    writer.write_tensors_to_file()  # type: ignore[attr-defined]
    writer.close()  # type: ignore[attr-defined]
