"""Knowledge gaps: which questions come together, which answers count as doubtful, how long a night takes.

`python -m benchmarks.gaps [--questions 5000]`. Groups of the same question in other words are hidden among real
questions that each ask for something else (a handbook, an encyclopedia). Where there is the shared data beside this
project, its questions are those; without it nothing is measured but time.
"""

import argparse
import random
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from sklearn.cluster import HDBSCAN
from sqlalchemy import text

from benchmarks import labelled
from benchmarks.builds import MINILM
from benchmarks.labelled import SHARED
from benchmarks.measuring import header, how_busy, row
from benchmarks.paraphrases import PARAPHRASES
from kyo_pipeline import finding
from kyo_pipeline.adapters.clustering import clusters_of
from kyo_pipeline.adapters.embedding.factory import open_embedder
from kyo_pipeline.adapters.labelled_sets import read_set
from kyo_pipeline.db import users
from kyo_pipeline.db.engine import Database
from kyo_pipeline.domain.actor import OPERATOR, Role
from kyo_pipeline.domain.answer_findings import NOTHING
from kyo_pipeline.domain.answers import Outcome
from kyo_pipeline.domain.database_role import DatabaseRole
from kyo_pipeline.domain.doubt import AnswerFacts, kind_of
from kyo_pipeline.domain.nearness import UNRELATED, distance_allowed
from kyo_pipeline.domain.pieces import result_of
from kyo_pipeline.domain.ports import Embedder, Vectors
from kyo_pipeline.kyo import Kyo, database_url, open_kyo, utc_now
from kyo_pipeline.services import gaps, operations
from kyo_pipeline.services.gap_finding import find_gaps
from kyo_pipeline.serving import serving
from kyo_pipeline.settings import Settings

SINGLES = ("handbook_faq/18f", "clapnq")
ANSWERED = ("handbook_faq/18f", "contoso_hr")
DISTANCES = (0.3, 0.36, 0.42, 0.48, 0.54)
ASKED = ("policyqa/dev", "xquad/en", *SINGLES)
DOCUMENTS = 200


@dataclass(frozen=True)
class Scores:
    """`purity`: the share of questions in groups of several that are of their most frequent kind; else of pairs."""

    groups: int
    purity: float
    precision: float
    recall: float


def questions() -> tuple[list[str], list[int]]:
    """Texts, and which of them are the same question."""
    texts: dict[str, int] = {}
    for number, group in enumerate(PARAPHRASES):
        texts |= dict.fromkeys(group, number)
    for name in SINGLES:
        for question in read_set(SHARED / name).questions:
            texts.setdefault(question.text, len(texts) + len(PARAPHRASES))
    return list(texts), list(texts.values())


def scored(groups: Sequence[Sequence[int]], kinds: Sequence[int]) -> Scores:
    several = [group for group in groups if len(group) > 1]
    right = together = 0
    for group in several:
        counts = Counter(kinds[one] for one in group)
        right += sum(n * (n - 1) // 2 for n in counts.values())
        together += len(group) * (len(group) - 1) // 2
    wanted = sum(n * (n - 1) // 2 for n in Counter(kinds).values())
    pure = sum(max(Counter(kinds[one] for one in group).values()) for group in several)
    return Scores(len(several), pure / max(sum(map(len, several)), 1), right / max(together, 1), right / wanted)


def hdbscan(vectors: Vectors) -> list[list[int]]:
    labels = HDBSCAN(min_cluster_size=2, min_samples=1, cluster_selection_method="leaf", copy=True).fit_predict(vectors)
    groups: dict[int, list[int]] = {}
    for number, label in enumerate(labels):
        groups.setdefault(int(label) if label >= 0 else -number - 1, []).append(number)
    return list(groups.values())


def compare(name: str, embedder: Embedder) -> None:
    texts, kinds = questions()
    vectors = embedder.embed_passages(texts)
    room = distance_allowed(embedder.embed_passages(UNRELATED)) / 0.42
    ways: dict[str, Callable[[], list[list[int]]]] = {
        f"average linkage, {share} of the room": lambda share=share: clusters_of(vectors, share * room)  # type: ignore[misc]
        for share in DISTANCES
    }
    ways["HDBSCAN, two and more, leaves"] = lambda: hdbscan(vectors)
    print(f"\n{name}: {len(texts)} questions, {len(PARAPHRASES)} of them in 2 to 4 wordings; room {room:.2f}")
    print(header("Way", "Groups", "Purity", "Pairs right", "Pairs found"))
    for way, run in ways.items():
        found = scored(run(), kinds)
        print(row(way, found.groups, f"{found.purity:.2f}", f"{found.precision:.2f}", f"{found.recall:.2f}"))


# Doubt --------------------------------------------------------------------------------------------------------------


def doubtful(kyo: Kyo, owner: Database) -> None:
    """Of quoted answers, how many are doubtful: those that cite the right passage, and the others."""
    print(f"\n{header('Set', 'Answers', 'Right ones, doubtful', 'Wrong ones, doubtful')}")
    for name in ANSWERED:
        known = labelled.read(SHARED / name)
        with owner.transaction(OPERATOR) as tx:
            _, named = labelled.index(kyo, tx, known)
        found: dict[bool, list[bool]] = {True: [], False: []}
        for question_id, question in known.questions.items():
            chosen, embedding_set = serving(kyo, OPERATOR)
            passages = finding.retrieve(chosen, OPERATOR, question, 5, finding.Stages(), embedding_set)
            draft = result_of(chosen.generator.generate(question, passages))
            if draft.outcome is not Outcome.ANSWERED:
                continue
            cited = [passages.passages[one.index] for one in draft.citations]
            facts = AnswerFacts(
                draft.outcome, None, max(one.similarity for one in cited), passages.similarity_threshold, NOTHING
            )
            right = any(known.relevant[question_id].get(named[one.version_id], 0) > 0 for one in cited)
            found[right].append(kind_of(facts) is not None)
        shares = (f"{sum(found[right])} of {len(found[right])}" for right in (True, False))
        print(row(name, sum(map(len, found.values())), *shares))


# Time ---------------------------------------------------------------------------------------------------------------


def ask(owner: Database, count: int, asker: UUID, documents: Sequence[UUID]) -> None:
    """So many questions that were not found, over ninety days, each near to two documents."""
    randomness = random.Random(5)  # noqa: S311 — not for secrets
    asked = [question.text for name in ASKED for question in read_set(SHARED / name).questions]
    rows = [
        {
            "user": asker,
            "text": randomness.choice(asked),
            "at": utc_now() - timedelta(days=randomness.random() * 90),
            "documents": randomness.sample(list(documents), 2),
        }
        for _ in range(count)
    ]
    with owner.transaction(OPERATOR) as tx:
        tx.execute(
            text(
                """
                with c as (insert into conversations (user_id, begun_at) values (:user, :at) returning id),
                q as (
                  insert into questions (user_id, conversation_id, text, asked_at)
                  select :user, id, :text, :at from c
                  returning id
                ),
                a as (
                  insert into answers (question_id, text, outcome, generator, model, timings, prompt_tokens,
                    completion_tokens, answered_at)
                  select id, '', 'not_found', 'extractive', 'quotes', '{}', 0, 0, :at from q
                  returning id
                )
                insert into near_documents
                select a.id, n.rank, n.document
                from a, unnest(cast(:documents as uuid[])) with ordinality as n(document, rank)
                """
            ),
            rows,
        )


def nights(kyo: Kyo, owner: Database, count: int) -> None:
    with owner.transaction(OPERATOR) as tx:
        person = users.add(tx, "asker", "Asker", Role.EMPLOYEE, utc_now(), password_hash="")
        manager = users.add(tx, "manager", "Manager", Role.MANAGER, utc_now(), password_hash="")
        admin = users.add(tx, "boss", "Boss", Role.ADMIN, utc_now(), password_hash="")
        documents = list(tx.scalars(text("select id from documents limit :n"), {"n": DOCUMENTS}))
    ask(owner, count, person.id, documents)
    with owner.autocommit() as connection:
        connection.execute(text("analyze"))
    pipeline = open_kyo(kyo.settings, DatabaseRole.PIPELINE)
    for which in ("first", "second"):
        report = find_gaps(pipeline)
        assert report is not None
        print(f"{which} night: {report.seconds:.1f} s for {count:,} questions, {len(report.gaps):,} gaps, "
              f"{report.embedded:,} embedded, {report.new:,} new")  # fmt: skip
    pipeline.close()
    for actor in (manager, admin):
        taken = []
        for _ in range(10):
            started = time.perf_counter()
            page = gaps.list_gaps(kyo, actor)
            taken.append((time.perf_counter() - started) * 1000)
        print(f"a page for {actor.username}: median {statistics.median(taken):.0f} ms, of {page.total:,} gaps")
        started = time.perf_counter()
        gaps.read_gap(kyo, actor, page.gaps[0].id)
        print(f"  one gap: {(time.perf_counter() - started) * 1000:.0f} ms")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--questions", type=int, default=5000)
    count = arguments.parse_args().questions
    print(how_busy())
    if not SHARED.is_dir():
        print("skipped: there is no shared data beside this project")
        return
    compare("Built-in model", open_embedder(Settings()))
    if MINILM.is_dir():
        minilm = Settings(KYO_EMBEDDING_BACKEND="local", KYO_EMBEDDING_MODEL=str(MINILM))
        compare("MiniLM", open_embedder(minilm))
    with (
        tempfile.TemporaryDirectory(prefix="kyo-bench-") as home,
        operations.running_servers(Settings(KYO_HOME=Path(home) / "home")) as servers,
    ):
        operations.migrate(servers.settings)
        kyo, owner = open_kyo(servers.settings), Database(database_url(servers.settings))
        doubtful(kyo, owner)
        print()
        nights(kyo, owner, count)
        owner.close()
        kyo.close()


if __name__ == "__main__":
    main()
