"""Another model, other chunks or another storage in place of what answers: `python -m benchmarks.reembedding [PART…]`.

Parts, all unless some are named:

- `throughput`: passages a second that a set takes in, beside the model alone with the same texts;
- `latency`: questions before, while a set is embedded in a second process, while it is indexed, and after the swap;
- `show`: built-in, MiniLM, and back, while people ask and upload, and the process that builds is killed;
- `halfvec`: the same set with four and with two bytes a number.

`latency` and `halfvec` work on the database of `benchmarks.search`, which is made once and kept: `--keep FOLDER`.
MiniLM needs the extra `local`, and its ONNX folder among the shared models; `show` needs the shared data.
"""

import argparse
import tempfile
from pathlib import Path

from benchmarks import build_latency, build_speed, builds, half_vectors, model_swap

PARTS = ("throughput", "latency", "show", "halfvec")


def main() -> None:
    arguments = _arguments()
    for part in arguments.parts or PARTS:
        print(f"\n## {part}", flush=True)
        _measure(part, arguments)


def _measure(part: str, arguments: argparse.Namespace) -> None:
    if part == "throughput":
        build_speed.measure(arguments.documents, arguments.rounds, arguments.models, profile=arguments.profile)
    elif part == "show" and not model_swap.SHARED.is_dir():
        print("not measured: the shared data is not here")
    elif part == "show":
        model_swap.measure(arguments.limit, arguments.models, files=arguments.files)
    else:
        with tempfile.TemporaryDirectory(prefix="kyo-bench-") as temporary:
            keep = arguments.keep or Path(temporary)
            if part == "latency":
                build_latency.measure(arguments.chunks, arguments.questions, keep, arguments.ways)
            else:
                half_vectors.measure(arguments.chunks, arguments.questions, keep)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--chunks", type=int, default=100_000, help="passages of `latency` and `halfvec`")
    parser.add_argument("--questions", type=int, default=300)
    parser.add_argument("--keep", type=Path, help="a folder for the database; without it, it is made and thrown away")
    parser.add_argument(
        "--ways", nargs="+", default=list(build_latency.WAYS), choices=build_latency.WAYS, metavar="WAY"
    )
    parser.add_argument("--documents", type=int, default=400, help="of ten passages, for `throughput`")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--models", nargs="+", default=list(_models()), choices=builds.MODELS)
    parser.add_argument("--profile", action="store_true", help="what takes the time of `throughput`")
    parser.add_argument("--limit", type=int, default=300, help="judged questions of a set in `show`, at most")
    parser.add_argument("--files", type=int, help="original files of a set in `show`, at most")
    return parser.parse_args()


def _models() -> list[str]:
    return [name for name in builds.MODELS if name != "MiniLM" or builds.has_minilm()]


if __name__ == "__main__":
    main()
