"""What people thought of their answers."""

from kyo_app.analytics import charts, figures, tables
from kyo_app.analytics.parts import Shown, show_days, show_download, show_figures, show_heading, show_rows
from kyo_app.components import Link
from kyo_pipeline.domain.analytics import FeedbackSummary


def feedback_panel(found: FeedbackSummary, shown: Shown) -> None:
    show_figures(figures.of_feedback(found.totals, found.before))
    show_days("Thumbs", charts.THUMBS, found.days, shown)
    show_download("Download days (CSV)", tables.FEEDBACK_DAYS, found.days, shown.file_name("feedback-days"))
    if found.reasons:
        show_heading("Reasons for a thumb down")
        show_rows("Reasons", tables.REASON_COUNTS, found.reasons, shown, "feedback-reasons")
    if found.totals.disliked:
        Link("feedback", "Review answers that did not help", ":material/reviews:").show()
    if found.documents:
        show_heading("Documents whose answers did not help")
        show_rows(
            "Documents whose answers did not help", tables.MOST_DISLIKED, found.documents, shown, "disliked-documents"
        )
