"""The cache over a real Redis, and without one."""

import socket
import time
from pathlib import Path

import pytest

from kyo_pipeline.adapters.cache import RedisCache
from kyo_pipeline.adapters.embedded_redis import redis_url, running_redis
from kyo_pipeline.errors import Invalid


def test_it_keeps_bytes_for_some_seconds(tmp_path: Path) -> None:
    with running_redis(tmp_path) as url:
        cache = RedisCache(url)
        assert cache.ping()
        assert cache.get("question") is None
        cache.set("question", b"\x00answer", seconds=1)
        assert cache.get("question") == b"\x00answer"
        time.sleep(1.1)
        assert cache.get("question") is None
        cache.close()


def test_an_outage_is_a_miss(tmp_path: Path) -> None:
    cache = RedisCache(redis_url(tmp_path))
    cache.set("key", b"value", seconds=60)
    assert cache.get("key") is None
    assert not cache.ping()


def test_a_server_that_hangs_costs_half_a_second_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        cache = RedisCache(f"redis://127.0.0.1:{server.getsockname()[1]}/0")
        began = time.monotonic()
        for _ in range(100):
            assert cache.get("key") is None
        assert time.monotonic() - began < 1.5
        cache.close()


def test_it_works_again_when_the_server_is_back(tmp_path: Path) -> None:
    cache = RedisCache(redis_url(tmp_path))
    assert cache.get("key") is None
    with running_redis(tmp_path):
        assert cache.get("key") is None, "it does not even ask for two seconds"
        assert cache.ping(), "asked on purpose, it does"
        cache.set("key", b"value", seconds=60)
        assert cache.get("key") == b"value"
    with running_redis(tmp_path):
        cache.set("key", b"other", seconds=60)
        assert cache.get("key") == b"other", "a connection that died is not an outage"
        cache.close()


@pytest.mark.parametrize("url", ["localhost:6379", "http://localhost", "redis://localhost:port"])
def test_a_wrong_address_is_refused_at_once(url: str) -> None:
    with pytest.raises(Invalid, match="REDIS_URL"):
        RedisCache(url)
