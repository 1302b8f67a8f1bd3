"""An organisation of whose documents it is known what they answer: for whatever judges search by questions."""

import json
from dataclasses import replace
from pathlib import Path

from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.domain.labelled import LabelledPassage
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import evaluating, indexing, upkeep

RUN = indexing.claim_name("office")

#: Document, text, question: a canteen, a workshop and an office that do not exist.
OFFICE = [
    (
        "bicycles",
        "Bicycles stand in the yard behind the kitchen, under a roof that the apprentices have built of old doors.\n\n"
        "Whoever takes the lift with a bicycle wipes its wheels before, and asks the porter whether somebody waits.",
        "Where do bicycles stand?",
    ),
    ("parcels", "The porter signs for a parcel that arrives before noon.", "Who signs for a parcel?"),
    ("canteen", "The canteen serves soup on Mondays and fish on Fridays.", "When does the canteen serve fish?"),
    ("keys", "A lost key costs forty euros, which the finder gets.", "What does a lost key cost?"),
    ("lift", "The lift is out of order while its ropes are oiled.", "When is the lift out of order?"),
    ("plants", "Plants in the corridor are watered by the apprentices.", "Who waters the plants in the corridor?"),
    ("printer", "The printer on the second floor prints in colour.", "Which printer prints in colour?"),
    ("holidays", "Holidays are asked for six weeks ahead.", "How early are holidays asked for?"),
    ("illness", "Whoever falls ill calls the office before nine.", "When do I call the office if I fall ill?"),
    ("laptops", "Laptops are replaced after four years.", "After how many years are laptops replaced?"),
    ("visitors", "Visitors wear a yellow badge and are met at the door.", "Which badge do visitors wear?"),
    ("windows", "Windows are shut by whoever leaves last.", "Who shuts the windows?"),
    ("saw", "The band saw may be used with goggles only.", "What is needed to use the band saw?"),
    ("paint", "Paint is kept in the steel cupboard of the workshop.", "Where is paint kept?"),
    ("ladder", "A ladder is checked each spring by the foreman.", "Who checks the ladder each spring?"),
    ("van", "The van is refuelled by its last driver.", "Who refuels the van?"),
    ("tools", "Borrowed tools come back the same evening.", "When do borrowed tools come back?"),
    (
        "heating",
        "The heating is turned down at night to sixteen degrees.",
        "To how many degrees is the heating turned?",
    ),
    ("letters", "Letters leave the house at four in the afternoon.", "When do letters leave the house?"),
    ("dogs", "Dogs stay under the desk of their owner.", "Where do dogs stay?"),
    ("radio", "The radio in the workshop is silent during meetings.", "When is the radio silent?"),
    ("shoes", "Steel toecaps are worn wherever pallets are moved.", "Where are steel toecaps worn?"),
]
UNANSWERABLE = ["Who won the xylophone contest of 1911?", "How deep is the Baltic Sea near Gotland?"]


def open_office(pipeline: Kyo) -> None:
    """All documents are there, approved and indexed. Kyo with the rights of the pipeline."""
    passages = [LabelledPassage(name, name.title(), words, name) for name, words, _ in OFFICE]
    evaluating.lay_out(pipeline, OPERATOR, passages, {}, RUN)
    for step in (indexing.cut, indexing.embed, indexing.publish_ready):
        assert step(pipeline, RUN).done == len(OFFICE)
    upkeep.refresh_weights(pipeline)


def write_set(folder: Path, count: int) -> Path:
    """A KYO_EVAL_DIR of the first so many questions, two without an answer, and one about what is not here."""
    rows = [*OFFICE[:count], ("stars", "Stars are far away.", "How far away are stars?")]
    corpus = [{"id": name, "title": name, "text": words} for name, words, _ in rows]
    questions: list[dict[str, object]] = [{"id": f"q-{name}", "text": question} for name, _, question in rows]
    questions += [
        {"id": f"u-{number}", "text": question, "meta": {"answerable": False}}
        for number, question in enumerate(UNANSWERABLE)
    ]
    (folder / "corpus.jsonl").write_text("\n".join(json.dumps(row) for row in corpus))
    (folder / "queries.jsonl").write_text("\n".join(json.dumps(row) for row in questions))
    judgements = [f"q-{name}\t{name}\t1" for name, _, _ in rows]
    (folder / "qrels.tsv").write_text("\n".join(["query\tpassage\tgrade", *judgements]))
    return folder


def labelled(kyo: Kyo, folder: Path, count: int) -> Kyo:
    """The same Kyo, with such a set in its settings."""
    return replace(kyo, settings=kyo.settings.model_copy(update={"KYO_EVAL_DIR": write_set(folder, count)}))
