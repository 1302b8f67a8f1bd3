"""What the planner knows of the tables."""

from sqlalchemy import text

from kyo_pipeline.db.engine import Database


def refresh(owner: Database) -> None:
    """Count anew at once, instead of when autovacuum comes by: after much was written in a short time."""
    with owner.autocommit() as connection:
        connection.execute(text("analyze"))
