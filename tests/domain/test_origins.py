import pytest

from kyo_pipeline.domain.origins import is_known, is_own, is_same

NAMES = ("kyo.example", "*.kyo.example", "localhost", "::1")


@pytest.mark.parametrize(
    "host", ["kyo.example", "kyo.example:8501", "KYO.Example", "a.b.kyo.example", "localhost:1", "[::1]:3000"]
)
def test_a_known_host(host: str) -> None:
    assert is_known(host, NAMES)


@pytest.mark.parametrize(
    "host",
    [
        "",
        "evil.example",
        "kyo.example.evil.example",
        "evilkyo.example",
        "kyo.example@evil.example",
        "evil.example@kyo.example",
        "kyo.example:port",
        "kyo.example:99999",
        "kyo.example,evil.example",
        "[::1",
    ],
)
def test_an_unknown_host(host: str) -> None:
    assert not is_known(host, NAMES)


def test_any_host() -> None:
    assert is_known("evil.example", ["*"])
    assert not is_known("", ["*"])


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("http://kyo.example", "kyo.example"),
        ("https://kyo.example:8501", "KYO.example:8501"),
        ("http://[::1]:8501", "[::1]:8501"),
    ],
)
def test_the_same(origin: str, host: str) -> None:
    assert is_same(origin, host)
    assert is_own(origin, host, ["*"])


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("null", "null"),
        ("", ""),
        ("kyo.example", "kyo.example"),
        ("file://kyo.example", "kyo.example"),
        ("http://kyo.example:1", "kyo.example:2"),
        ("http://user@kyo.example", "user@kyo.example"),
        ("http://kyo.example:x", "kyo.example:x"),
    ],
)
def test_not_the_same(origin: str, host: str) -> None:
    assert not is_same(origin, host)


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("https://kyo.example", "app:8501"),  # the proxy has named its own target
        ("https://kyo.example", "127.0.0.1:8501"),
        ("http://kyo.example:8080", "kyo.example"),  # the proxy has left the port out
    ],
)
def test_a_proxy_may_put_another_name_into_host(origin: str, host: str) -> None:
    assert is_own(origin, host, NAMES)
    assert not is_own(origin, host, ["*"])
    assert not is_own(origin, host, ["app", "127.0.0.1"])


def test_a_neighbour_in_the_same_domain_is_not_ours_though_we_answer_to_its_names() -> None:
    """Browsers send SameSite cookies along from there."""
    assert is_known("evil.kyo.example", NAMES)
    assert not is_own("https://evil.kyo.example", "app", NAMES)


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("http://evil.example", "app:8501"),
        ("http://localhost:9999", "localhost:8501"),  # another program of this machine
        ("null", "app:8501"),
        ("app://kyo.example", "app:8501"),
        ("http://kyo.example@evil.example", "app:8501"),
        ("http://evil.example@kyo.example", "app:8501"),
    ],
)
def test_a_stranger_behind_a_proxy_is_one_still(origin: str, host: str) -> None:
    assert not is_own(origin, host, NAMES)
