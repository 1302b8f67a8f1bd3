import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pydantic import SecretStr

from kyo_pipeline.adapters.audit_key import audit_key, known_keys
from kyo_pipeline.adapters.secret_keys import of_file
from kyo_pipeline.errors import Unavailable
from kyo_pipeline.settings import Settings


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    return Settings(KYO_HOME=tmp_path)


def test_it_is_made_once_and_for_its_owner_alone(home: Settings) -> None:
    key = audit_key(home)
    assert len(key) == 32
    path = home.KYO_HOME / "audit.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    of_file.cache_clear()  # as another process
    assert audit_key(home) == key
    assert [found.name for found in home.KYO_HOME.iterdir()] == ["audit.key"]


def test_whoever_comes_at_the_same_moment_gets_the_same(home: Settings) -> None:
    def read(_: int) -> bytes:
        return of_file.__wrapped__(home.KYO_HOME / "audit.key")  # without the memory of this process

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(read, range(32)))) == 1


def test_each_home_has_its_own(tmp_path: Path) -> None:
    assert audit_key(Settings(KYO_HOME=tmp_path / "a")) != audit_key(Settings(KYO_HOME=tmp_path / "b"))


def test_the_secret_of_the_settings_goes_before_the_file(home: Settings) -> None:
    secret = home.model_copy(update={"SECRET_KEY": SecretStr("secret")})
    other = home.model_copy(update={"SECRET_KEY": SecretStr("other")})
    assert audit_key(secret) != audit_key(other)
    assert audit_key(secret) == audit_key(secret)
    assert b"secret" not in audit_key(secret)
    assert not (home.KYO_HOME / "audit.key").exists()


def test_former_secrets_and_the_file_are_known_as_well(home: Settings) -> None:
    of_file = audit_key(home)
    former = home.model_copy(update={"SECRET_KEY": SecretStr("one")})
    now = home.model_copy(update={"SECRET_KEY": SecretStr("two"), "KYO_FORMER_SECRET_KEYS": (SecretStr("one"),)})
    assert known_keys(home) == (of_file,)
    assert known_keys(now) == (audit_key(now), audit_key(former), of_file)


@pytest.mark.parametrize("content", ["", "nonsense", "ab" * 31, "ab" * 33, "é"])
def test_a_damaged_one_is_a_sentence_and_stays_as_it_is(home: Settings, content: str) -> None:
    path = home.KYO_HOME / "audit.key"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(Unavailable, match=r"This key (is damaged|cannot be read)"):
        audit_key(home)
    assert path.read_text(encoding="utf-8") == content


def test_a_home_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable, match="cannot be read"):
        audit_key(Settings(KYO_HOME=tmp_path / "file" / "home"))
