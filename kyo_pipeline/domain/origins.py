"""Which page a browser's request comes from: the names in `Host` and `Origin`, compared."""

from collections.abc import Collection
from urllib.parse import SplitResult, urlsplit

from kyo_pipeline.settings import is_host


def is_known(host: str, names: Collection[str]) -> bool:
    """Whether a `Host` header, with or without a port, is one of these names. `*.example.org` means every such name."""
    name = _name(_split(f"//{host}"))
    return name is not None and any(is_host(name, pattern) for pattern in names)


def is_same(origin: str, host: str) -> bool:
    """Whether a page of this `Origin` came from the very host and port that it now speaks to."""
    page = _split(origin)
    return page is not None and page.scheme in ("http", "https") and page.netloc.lower() == host.lower()


def is_own(origin: str, host: str, names: Collection[str]) -> bool:
    """`is_same`, or one of these names where a proxy has put another one into `Host`.

    A name with `*` in it is no name here: browsers send cookies along from every site of the same domain. Another port
    of the same name is a neighbour's, unless the proxy left the port out of `Host`.
    """
    if is_same(origin, host):
        return True
    page, here = _split(origin), _split(f"//{host}")
    name = _name(page)
    if page is None or here is None or name is None or page.scheme not in ("http", "https"):
        return False
    exact = [one for one in names if "*" not in one]
    return is_known(page.netloc, exact) and (name != _name(here) or here.port is None)


def _split(address: str) -> SplitResult | None:
    """None for what is no address, `null` among it, which is what a browser says that keeps the page to itself."""
    try:
        parts = urlsplit(address)
        _ = parts.port  # raises as well
    except ValueError:
        return None
    return parts if parts.hostname and "@" not in parts.netloc else None


def _name(parts: SplitResult | None) -> str | None:
    return parts.hostname if parts else None
