"""Under which rules a process works in the database."""

from enum import Enum


class DatabaseRole(str, Enum):
    """Roles of PostgreSQL that own nothing; what each may do stands in sql/migrations/0003_row_security.sql."""

    APP = "kyo_app"
    PIPELINE = "kyo_pipeline"
