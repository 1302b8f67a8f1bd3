"""Chooses the reranker that the settings ask for."""

from collections.abc import Callable
from functools import partial

from kyo_pipeline.adapters.reranking.guarded import GuardedReranker
from kyo_pipeline.domain.ports import Reranker
from kyo_pipeline.settings import Settings


def open_reranker(settings: Settings) -> Reranker | None:
    """The reranker of this installation, None where there is none. Nothing is loaded or called before it is used."""
    if settings.KYO_RERANKER == "off":
        return None
    loaders: dict[str, Callable[[], Reranker]] = {
        "local": partial(_local, settings),
        "endpoint": partial(_endpoint, settings),
    }
    return GuardedReranker(loaders[settings.KYO_RERANKER])


# Each is imported only where it is chosen.


def _local(settings: Settings) -> Reranker:
    from kyo_pipeline.adapters.reranking.local import LocalReranker

    return LocalReranker(settings.KYO_RERANKER_MODEL, settings.KYO_HOME / "models")


def _endpoint(settings: Settings) -> Reranker:
    from kyo_pipeline.adapters.reranking.endpoint import EndpointReranker

    assert settings.KYO_RERANKER_ENDPOINT is not None  # noqa: S101 — for the type checker: the settings require it
    return EndpointReranker(
        settings.KYO_RERANKER_ENDPOINT, settings.KYO_RERANKER_KEY, settings.KYO_REMOTE_TIMEOUT_SECONDS
    )
