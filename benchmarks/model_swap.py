"""One model in place of another and back, while people ask and upload, and the process that builds it is killed."""

import time
from dataclasses import dataclass, replace

from sqlalchemy import text

from benchmarks import builds
from benchmarks.build_process import Building, Manners, Phase, building
from benchmarks.busy_people import Askers, Uploads, looped
from benchmarks.measuring import header, how_busy, row
from kyo_app.apart import Apart, index, opened_apart
from kyo_pipeline.db.chunks import vector_table
from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.domain.evaluation import Leg
from kyo_pipeline.domain.labelled import LabelledSet
from kyo_pipeline.errors import Conflict
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import embedding_sets as sets
from kyo_pipeline.services import evaluating, following, indexing, reembedding
from kyo_pipeline.serving import serving
from kyo_pipeline.settings import PROJECT_ROOT, Settings

SHARED = PROJECT_ROOT.parent / "shared/data"
SETS = ("handbook_faq/18f", "contoso_hr")
#: As a run under Dagster is: nice, in a session of its own.
MANNERS = Manners(nice=19, session=True)
KILLS = 2


@dataclass(frozen=True)
class Swap:
    """To which set, in how many milliseconds, at which attempt, and what could not be found right after it."""

    set_id: int
    milliseconds: float
    attempts: int
    missing: list[str]


@dataclass(frozen=True)
class Survived:
    """What the model was asked for in all, what of it is stored, and what was in flight at each kill."""

    asked: int
    stored: int
    chunks: int
    lost: list[int]


def measure(limit: int, models: list[str], *, files: int | None = None) -> None:
    """`limit`: judged questions of a set; `files`: original files of a set, at most. Without MiniLM: other chunks."""
    chosen = [_few(evaluating.read_labelled(SHARED / name).for_evaluation(limit), files) for name in SETS]
    changes = builds.MODELS["MiniLM"] if "MiniLM" in models else {"CHUNK_SIZE": 300, "CHUNK_OVERLAP": 30}
    with opened_apart(Settings(KYO_EMBEDDING_BACKEND="builtin")) as apart:
        for one in chosen:
            index(apart, one.by_original(), docs=True, within=False)
        asked, uploads = Askers(apart.app, _questions(chosen)), Uploads(apart.app)
        settings = builds.with_changes(apart.pipeline.settings, **changes)
        with (
            builds.pipeline(settings) as kyo,
            looped(lambda: _step(apart)) as behind,
        ):
            with looped(asked.ask_one, uploads.add_one) as failures:
                _tell(apart, kyo, chosen, asked, uploads)
            uploads.wait_for_all()  # while the pipeline still works: the last one was uploaded a moment ago
    print(f"\nquestions asked all the while {asked.count}, failed {len(asked.failed)}   (wanted: 0)")
    print(f"not found, honestly           {asked.not_found}; no passage although there was one before: {asked.empty}")
    print(f"texts uploaded and found      {len(uploads.found)}, median of {uploads.median_seconds:.2f} s")
    print(f"texts never found             {len(uploads.waiting)}   (wanted: 0)")
    for failure in (*asked.failed, *failures, *behind):
        print(f"  {failure}")


def _tell(apart: Apart, kyo: Kyo, chosen: list[LabelledSet], asked: Askers, uploads: Uploads) -> None:
    asked.ask_all()
    print(f"{len(asked.questions)} questions; {how_busy()}", flush=True)
    before = _quality(apart, chosen)
    first = _active(kyo)
    begun = following.begin_anew(kyo, "A benchmark.")
    started = time.perf_counter()
    survived = _survive(kyo, begun.id)
    print(f"\nbuilt in {time.perf_counter() - started:.0f} s with {KILLS} kills, set {begun.id}; {how_busy()}")
    # Not before: what is built is for the process that is killed, so that what it did can be counted.
    with looped(lambda: _keep_up(kyo)) as behind:
        there = _swap(kyo, begun.id, uploads)
        after = _quality(apart, chosen)
        back = _swap(kyo, first, uploads)
        restored = _quality(apart, chosen)
    assert not behind, behind
    print(f"passages {survived.chunks}, vectors {survived.stored}   (wanted: as many)")
    print(f"asked of the model            {survived.asked}, in vain {survived.asked - survived.stored}")
    print(f"in flight when it was killed  {survived.lost}   (wanted: nothing else was in vain)")
    for name, swapped in (("swap", there), ("way back", back)):
        missing = f"missing documents {len(swapped.missing)}   (wanted: 0)"
        print(f"{name:30}{swapped.milliseconds:.0f} ms, attempt {swapped.attempts}, {missing}")
    print()
    print(header("nDCG@10", *SETS))
    for title, scores in (("before", before), ("after the swap", after), ("after the way back", restored)):
        print(row(title, *(f"{score:.3f}" for score in scores)))


def _survive(kyo: Kyo, set_id: int) -> Survived:
    """Build it, and kill the process while its model works, as often as is wanted."""
    asked, lost = 0, []
    for _ in range(KILLS):
        with building(kyo.settings, MANNERS) as process:
            stored = _stored(kyo, set_id)
            _wait_until_embedding(process)
            process.process.kill()
            process.process.join()
        asked += process.asked
        lost.append(process.asked - (_stored(kyo, set_id) - stored))
        print(f"killed: {process.asked} passages asked of the model, {lost[-1]} of them in flight", flush=True)
        reembedding.release_dead(kyo, [])
    with building(kyo.settings, MANNERS) as process:
        process.process.join()
        assert process.process.exitcode == 0, "the process that built the set has failed"
    return Survived(asked + process.asked, _stored(kyo, set_id), _chunks(kyo, set_id), lost)


def _wait_until_embedding(process: Building) -> None:
    while not process.asked and process.phase is not Phase.DONE:
        time.sleep(0.05)
    time.sleep(1.0)


def _swap(kyo: Kyo, set_id: int, uploads: Uploads) -> Swap:
    """What was published a moment ago may have to be embedded first: then it is tried again, as the product says."""
    known = list(uploads.found)
    for attempt in range(1, 1_000):
        started = time.perf_counter()
        try:
            sets.activate(kyo, OPERATOR, set_id, "A benchmark.")
        except Conflict:
            time.sleep(0.05)
            continue
        milliseconds = (time.perf_counter() - started) * 1000
        return Swap(set_id, milliseconds, attempt, [word for word in known if not uploads.is_found(word)])
    raise AssertionError("the set never became complete")


def _quality(apart: Apart, chosen: list[LabelledSet]) -> list[float]:
    """nDCG@10 of what answers now, for each set."""
    kyo, _ = serving(apart.app, OPERATOR)
    scores = []
    for one in chosen:
        judged = one.by_original()
        ranked = {asked.id: evaluating.rank(kyo, OPERATOR, asked.text, apart.units) for asked in judged.judged}
        legs = evaluating.score_legs(ranked, judged.relevant)
        scores.append(next(leg.scores.ndcg_at_10 for leg in legs if leg.leg is Leg.FUSED))
    return scores


def _step(apart: Apart) -> None:
    """What a run of the pipeline does with new files."""
    for step in (indexing.parse, indexing.cut, indexing.embed, indexing.publish_ready):
        step(apart.pipeline, apart.run)


def _keep_up(kyo: Kyo) -> None:
    """What a run does with the sets that do not answer, once they are built."""
    reembedding.work(kyo, "run:keeps-up", lambda _: True)


def _questions(chosen: list[LabelledSet]) -> list[str]:
    return [asked.text for one in chosen for asked in one.judged]


def _few(labelled: LabelledSet, files: int | None) -> LabelledSet:
    return labelled if files is None else replace(labelled, originals=labelled.originals[:files])


def _active(kyo: Kyo) -> int:
    return next(one.id for one in sets.overview(kyo, OPERATOR).sets if one.state.value == "active")


def _stored(kyo: Kyo, set_id: int) -> int:
    with kyo.db.transaction(OPERATOR) as tx:
        return int(str(tx.scalar(text(f"select count(*) from {vector_table(set_id)}"))))  # noqa: S608 — a number


def _chunks(kyo: Kyo, set_id: int) -> int:
    """Of versions that are in it by its own account."""
    with kyo.db.transaction(OPERATOR) as tx:
        counted = text(
            """
            select count(*)
            from chunks c
            join embedding_sets s on s.id = :id and s.cutting_id = c.cutting_id
            join embedding_work w on w.embedding_set_id = s.id and w.version_id = c.version_id and w.state = 'done'
            """
        )
        return int(str(tx.scalar(counted, {"id": set_id})))
