"""Versions that wait for a decision."""

from collections.abc import Callable
from typing import Any

from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.documents import Document
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import library

Publish = Callable[[str, str], None]


Run = Callable[[], None]


Sql = Callable[..., list[Any]]


Details = Callable[[str], list[tuple[Any, str, Any]]]


def upload(kyo: Kyo, actor: Actor, text: str, name: str = "leave.txt", collection: str = "General") -> Document:
    return library.upload(kyo, actor, name, text.encode(), collection).document
