"""Files to measure with: the real handbook where it is at hand, else text that is made here."""

import random
from pathlib import Path

from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

HANDBOOK = Path(__file__).resolve().parents[2] / "shared/data/handbook_faq/18f/docs"

_WORDS = [
    "policy",
    "request",
    "manager",
    "employee",
    "approval",
    "travel",
    "budget",
    "review",
    "project",
    "release",
    "customer",
    "contract",
    "security",
    "holiday",
    "expense",
    "training",
    "office",
    "equipment",
    "account",
    "invoice",
    "support",
    "meeting",
    "report",
    "deadline",
    "quality",
    "process",
]


def text_files(count: int) -> list[tuple[str, bytes]]:
    """At least 200 (name, content) pairs, `count` at most."""
    if HANDBOOK.is_dir():
        return [(path.name, path.read_bytes()) for path in sorted(HANDBOOK.glob("*.txt"))[:count]]
    dice = random.Random(1)  # noqa: S311 — the same text at each run, not a secret
    return [(f"made-{number:04d}.txt", _paragraphs(dice, 30).encode()) for number in range(count)]


def pdf(pages: int, seed: int) -> bytes:
    """A PDF of text, another one for each seed."""
    import io

    dice, buffer = random.Random(seed), io.BytesIO()  # noqa: S311 — the same text at each run, not a secret
    canvas = Canvas(buffer, pagesize=A4)
    for page in range(1, pages + 1):
        canvas.drawString(72, 780, f"Chapter {page} of document {seed}")
        for line in range(45):
            canvas.drawString(72, 750 - 15 * line, _sentence(dice))
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def _paragraphs(dice: random.Random, count: int) -> str:
    return "\n\n".join(" ".join(_sentence(dice) for _ in range(5)) for _ in range(count))


def _sentence(dice: random.Random) -> str:
    return " ".join(dice.choices(_WORDS, k=11)).capitalize() + "."
