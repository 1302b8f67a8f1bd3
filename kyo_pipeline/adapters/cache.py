"""The cache in Redis. An outage costs speed and nothing else."""

import time
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import TypeVar

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from kyo_pipeline.errors import Invalid

_CONNECT_SECONDS = 0.2
_READ_SECONDS = 0.5
_PAUSE_SECONDS = 2.0
_OWN_COUNTERS = 10_000

Result = TypeVar("Result")


class RedisCache:
    """The port `Cache` on a Redis server. After a failure it asks nothing for two seconds."""

    def __init__(self, url: str) -> None:
        try:
            self._client = redis.Redis.from_url(
                url,
                socket_connect_timeout=_CONNECT_SECONDS,
                socket_timeout=_READ_SECONDS,
                # The client's default is to try for seconds; a miss is cheaper.
                retry=Retry(NoBackoff(), 0),
            )
        except ValueError as error:
            # Not the cause's own words: they quote parts of the address, which may be parts of a password.
            raise Invalid("REDIS_URL is not the address of a Redis server, as redis://host:6379/0 is one.") from error
        self._pause_ends = 0.0
        self._own = _OwnCounters()

    def get(self, key: str) -> bytes | None:
        return self._attempt(lambda: _bytes_or_none(self._client.get(key)), None)

    def set(self, key: str, value: bytes, seconds: int) -> None:
        self._attempt(lambda: bool(self._client.set(key, value, ex=seconds)), False)

    def count(self, key: str, seconds: int) -> int:
        """Redis counts for all processes; in an outage each counts for itself, so that no limit is open."""
        counted = self._attempt(lambda: self._incremented(key, seconds), 0)
        return counted or self._own.count(key, seconds)

    def ping(self) -> bool:
        """Ask the server now, pause or not."""
        self._pause_ends = 0.0
        return self._attempt(lambda: bool(self._client.ping()), False)

    def close(self) -> None:
        self._client.close()

    def _incremented(self, key: str, seconds: int) -> int:
        with self._client.pipeline(transaction=True) as both:
            both.incr(key)
            both.expire(key, seconds)
            counted: int = both.execute()[0]
        return counted

    def _attempt(self, call: Callable[[], Result], otherwise: Result) -> Result:
        if time.monotonic() < self._pause_ends:
            return otherwise
        try:
            return call()
        except (redis.RedisError, OSError):
            self._pause_ends = time.monotonic() + _PAUSE_SECONDS
            return otherwise


class _OwnCounters:
    """Counters in this process. Of very many, the ones that were counted up longest ago are forgotten."""

    def __init__(self) -> None:
        self._counters: OrderedDict[str, tuple[int, float]] = OrderedDict()
        self._lock = Lock()

    def count(self, key: str, seconds: int) -> int:
        now = time.monotonic()
        with self._lock:
            counted, ends = self._counters.pop(key, (0, 0.0))
            counted = counted + 1 if now < ends else 1
            self._counters[key] = (counted, now + seconds)
            if len(self._counters) > _OWN_COUNTERS:
                self._counters.popitem(last=False)
        return counted


def _bytes_or_none(value: object) -> bytes | None:
    return value if isinstance(value, bytes) else None
