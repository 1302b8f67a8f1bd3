"""How often the nightly check warns, and how often for nothing: `python -m benchmarks.quality_drops [--trials 300]`.

Nights are made up: each question has a score as rankings give it (1, 0.63, 0.5 …), and every night one question in
twenty moves a place or two, either way. Some of tonight's questions lose, or none does.
"""

import argparse
import random
from datetime import datetime, timedelta, timezone

from kyo_pipeline.domain.quality import NIGHTS, Conditions, QualityRun, Score, compare, figures_of

CONDITIONS = Conditions(1, "model", 0.5, 0.5, "cutting", "vector", 5, "off", 1, 1)
NOW = datetime(2026, 1, 31, tzinfo=timezone.utc)
MARGIN = 0.03
PLACES = (1.0, 1.0, 1.0, 0.63, 0.5, 0.39, 0.0)
MOVES = (-0.37, -0.13, 0.13, 0.37)
RESTLESS = 0.05
#: The share of the questions that lose, and what each of them does.
LOSSES = ((0.0, 0.0), (0.1, 0.5), (0.2, 0.5), (1.0, 0.05))


def night(values: list[float], chance: random.Random) -> dict[bytes, Score]:
    """What one night scores where the truth is `values`."""
    scores = {}
    for number, value in enumerate(values):
        moved = value + chance.choice(MOVES) if chance.random() < RESTLESS else value
        key = number.to_bytes(4, "big")
        scores[key] = Score(key, "cases", min(max(moved, 0.0), 1.0), 1.0, 1.0, True, 1.0)
    return scores


def is_warned(questions: int, share: float, loss: float, chance: random.Random) -> bool:
    """Whether the loss is noticed after a week of nights without one."""
    truth = [chance.choice(PLACES) for _ in range(questions)]
    before = {number: night(truth, chance) for number in range(NIGHTS, 0, -1)}
    figures = figures_of([])
    runs = [
        QualityRun(number, NOW - timedelta(days=NIGHTS + 1 - number), CONDITIONS, figures, {}, 0, 0, 0, ())
        for number in before
    ]
    tonight = night([value - loss if chance.random() < share else value for value in truth], chance)
    return bool(compare(tonight, NOW, CONDITIONS, runs, before, MARGIN).drops)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=300)
    trials = parser.parse_args().trials
    chance = random.Random(7)  # noqa: S311 — no secret
    print("questions  who loses  how much  mean loss  warned")
    for questions in (20, 50, 100, 300):
        for share, loss in LOSSES:
            warned = sum(is_warned(questions, share, loss, chance) for _ in range(trials))
            print(f"{questions:9}  {share:9.0%}  {loss:8.2f}  {share * loss:9.3f}  {warned / trials:6.1%}")


if __name__ == "__main__":
    main()
