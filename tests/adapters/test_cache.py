"""The cache over a real Redis, and without one."""

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import redis

from kyo_pipeline.adapters.cache import RedisCache
from kyo_pipeline.adapters.embedded_redis import redis_url, running_redis
from kyo_pipeline.errors import Invalid


def test_it_keeps_bytes_for_some_seconds(tmp_path: Path) -> None:
    with running_redis(tmp_path) as url:
        cache = RedisCache(url)
        assert cache.ping()
        assert cache.get("question") is None
        cache.set("question", b"\x00answer", seconds=60)
        assert cache.get("question") == b"\x00answer"
        with redis.Redis.from_url(url) as client:
            assert 55_000 < client.pttl("question") <= 60_000
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


def test_it_counts_for_everybody_and_forgets_what_is_not_added_to(tmp_path: Path) -> None:
    with running_redis(tmp_path) as url:
        one, other = RedisCache(url), RedisCache(url)
        assert [one.count("a", 60), other.count("a", 60), one.count("a", 60), one.count("b", 60)] == [1, 2, 3, 1]
        with redis.Redis.from_url(url) as client:
            client.expire("a", 10)
            assert client.pttl("b") > 55_000
            assert other.count("a", 60) == 4
            assert client.pttl("a") > 55_000, "renewed"
        one.close()
        other.close()


def test_twenty_threads_are_counted_one_by_one(tmp_path: Path) -> None:
    with running_redis(tmp_path) as url:
        cache = RedisCache(url)
        with ThreadPoolExecutor(20) as pool:
            assert sorted(pool.map(lambda _: cache.count("a", 60), range(200))) == list(range(1, 201))
        cache.close()


def test_in_an_outage_it_counts_in_this_process_and_forgets_what_is_not_added_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.monotonic()
    monkeypatch.setattr("time.monotonic", lambda: now)
    cache = RedisCache(redis_url(tmp_path))
    assert [cache.count("a", 60), cache.count("b", 60), cache.count("a", 60)] == [1, 1, 2]
    now += 40
    assert cache.count("b", 60) == 2
    now += 40
    assert [cache.count("a", 60), cache.count("b", 60)] == [1, 3]


def test_in_an_outage_threads_are_counted_one_by_one(tmp_path: Path) -> None:
    cache = RedisCache(redis_url(tmp_path))
    with ThreadPoolExecutor(20) as pool:
        assert sorted(pool.map(lambda _: cache.count("a", 60), range(200))) == list(range(1, 201))


def test_in_a_long_outage_the_counters_do_not_fill_the_memory(tmp_path: Path) -> None:
    cache = RedisCache(redis_url(tmp_path))
    for number in range(10_001):
        cache.count(str(number), 60)
    assert cache.count("0", 60) == 1, "the oldest is forgotten"
    assert cache.count("10000", 60) == 2


def test_something_else_in_the_place_of_a_counter_opens_no_limit(tmp_path: Path) -> None:
    with running_redis(tmp_path) as url:
        cache = RedisCache(url)
        cache.set("a", b"no number", 60)
        assert [cache.count("a", 60), cache.count("a", 60)] == [1, 2]
        cache.close()


@pytest.mark.parametrize("url", ["localhost:6379", "http://localhost", "redis://localhost:port"])
def test_a_wrong_address_is_refused_at_once(url: str) -> None:
    with pytest.raises(Invalid, match="REDIS_URL"):
        RedisCache(url)
