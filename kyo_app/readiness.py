"""Whether the stack answers, asked over HTTP as anybody would."""

import json
import ssl
import urllib.request
from urllib.error import HTTPError, URLError

from kyo_pipeline.settings import Settings

_SECONDS = 5
_ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - compared with, nothing listens there


def app_address(settings: Settings) -> str:
    scheme = "https" if settings.KYO_TLS_CERTIFICATE else "http"
    return f"{scheme}://{_host(settings.KYO_HOST)}:{settings.KYO_PORT}"


def dagster_address(settings: Settings) -> str:
    return f"http://{_host(settings.KYO_DAGSTER_HOST)}:{settings.KYO_DAGSTER_PORT}"


def missing(settings: Settings) -> list[str]:
    """What does not work yet: names of the app's checks, `app`, `dagster`. Empty when all is ready."""
    # The app answers only to names that it knows, and need not know its own address.
    host = settings.ALLOWED_HOSTS[0] if settings.ALLOWED_HOSTS else ""
    lacking = _failed_checks(f"{app_address(settings)}/readyz", "localhost" if host in ("", "*") else host)
    return lacking if _answers(f"{dagster_address(settings)}/server_info") else [*lacking, "dagster"]


def _host(host: str) -> str:
    return _ANY_ADDRESS.get(host, f"[{host}]" if ":" in host else host)


def _failed_checks(url: str, host: str) -> list[str]:
    request = urllib.request.Request(url, headers={"Host": host.replace("*.", "www.")})  # noqa: S310 - http, see above
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS, context=_trusting()):  # noqa: S310 - http, see above
            return []
    except HTTPError as error:
        return _names(error.read()) or ["app"]
    except (URLError, OSError):
        return ["app"]


def _trusting() -> ssl.SSLContext:
    """The certificate names the host that people use, and this asks the app by the address that it listens on."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _names(body: bytes) -> list[str]:
    try:
        checks = json.loads(body)["checks"]
        return [name for name, ok in checks.items() if not ok]
    except (ValueError, KeyError, TypeError, AttributeError):
        return []


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=_SECONDS):  # noqa: S310 - http, see above
            return True
    except (URLError, OSError):
        return False
