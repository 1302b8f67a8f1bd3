"""One line that says where a passage or a citation is from."""

from kyo_app.commands.output import printable
from kyo_pipeline.domain.answers import Citation
from kyo_pipeline.domain.retrieval import Passage


def source(passage: Passage | Citation) -> str:
    parts = [passage.title, f"version {passage.version_number}"]
    if passage.page_from is not None:
        last = passage.page_to or passage.page_from
        pages = f"page {passage.page_from}" if last == passage.page_from else f"pages {passage.page_from}–{last}"
        parts.append(pages)
    if passage.heading_path:
        parts.append(" › ".join(passage.heading_path))
    return printable(", ".join(parts))
