"""What the database refuses, told to people and to whoever runs it."""

import logging
import secrets

import pytest
from sqlalchemy import text

from kyo_pipeline.db.engine import lock_name
from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.errors import Conflict, Invalid
from kyo_pipeline.kyo import Kyo


def test_a_foreign_key_that_refuses_is_named_in_the_log(kyo: Kyo, caplog: pytest.LogCaptureFixture) -> None:
    """People read that somebody else was at work; whether that is true shows in the log."""
    with pytest.raises(Conflict, match="Somebody else"), kyo.db.transaction(OPERATOR) as tx:
        tx.execute(text("insert into group_members values (gen_random_uuid(), :user)"), {"user": OPERATOR.id})
    [record] = caplog.records
    assert (record.levelno, record.name) == (logging.WARNING, "kyo_pipeline.db.engine")
    assert "group_members_group_id_fkey" in record.getMessage()


def test_text_that_no_database_holds_is_refused_and_other_mistakes_stay_mistakes(kyo: Kyo) -> None:
    with pytest.raises(Invalid, match="cannot hold"), kyo.db.transaction(OPERATOR) as tx:
        tx.execute(text("select :typed"), {"typed": "a\x00b"})
    with pytest.raises(ValueError, match="ours"), kyo.db.transaction(OPERATOR):
        raise ValueError("ours")


def test_a_name_is_locked_until_the_transaction_ends(committed: Kyo) -> None:
    name = secrets.token_hex(4)

    def is_free(other: str) -> bool:
        statement = text("select pg_try_advisory_xact_lock(hashtextextended(:name, 0))")
        with committed.db.transaction(OPERATOR) as tx:
            return bool(tx.scalar(statement, {"name": f"kyo.{other}"}))

    with committed.db.transaction(OPERATOR) as tx:
        lock_name(tx, name)
        lock_name(tx, name)
        assert not is_free(name)
        assert is_free(f"{name}.other")
    assert is_free(name)
