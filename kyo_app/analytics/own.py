"""What somebody asked themselves."""

from kyo_app.analytics import charts, figures, tables
from kyo_app.analytics.parts import Shown, show_days, show_download, show_figures, show_heading, show_rows
from kyo_pipeline.domain.analytics import OwnStatistics


def own_panel(found: OwnStatistics, shown: Shown) -> None:
    show_figures(figures.of_own(found.totals, found.before))
    show_days("Questions", charts.OUTCOMES, found.days, shown)
    show_download("Download days (CSV)", tables.OWN_DAYS, found.days, shown.file_name("my-days"))
    if found.documents:
        show_heading("Documents that answered you")
        show_rows("Documents that answered you", tables.OWN_DOCUMENTS, found.documents, shown, "my-documents")
