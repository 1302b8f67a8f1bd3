"""Many uploads at the same moment, to the real app over the network."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from kyo_pipeline.domain.actor import OPERATOR, Role
from kyo_pipeline.domain.scopes import Scope
from kyo_pipeline.kyo import Kyo, open_kyo
from kyo_pipeline.services import api_keys, library, people
from kyo_pipeline.settings import Settings
from tests.app_process import RunningApp, running_app

UPLOADS = frozenset({Scope.DOCUMENTS_UPLOAD})
AN_HOUR = 100


@dataclass(frozen=True)
class Served:
    """The running app, and keys of four people."""

    app: RunningApp
    kyo: Kyo
    keys: tuple[str, ...]

    def send(self, files: list[tuple[str, str, bytes]]) -> list[httpx.Response]:
        """All at once: key, name and content of each."""

        async def send_all() -> list[httpx.Response]:
            address = f"{self.app.url}/api/documents/upload/"
            limits = httpx.Limits(max_connections=None)
            async with httpx.AsyncClient(timeout=120, limits=limits) as client:
                return await asyncio.gather(
                    *(
                        client.post(
                            address, headers={"Authorization": f"Bearer {key}"}, files={"file": (name, content)}
                        )
                        for key, name, content in files
                    )
                )

        return asyncio.run(send_all())


@pytest.fixture
def served(migrated_database: Callable[[], str], tmp_path: Path) -> Iterator[Served]:
    url = migrated_database()
    settings = Settings.model_validate(
        {"KYO_HOME": tmp_path, "DATABASE_URL": url, "REDIS_URL": "redis://127.0.0.1:1/0"}
    )
    kyo = open_kyo(settings)
    try:
        uploaders = [
            people.add_person(kyo, OPERATOR, f"person{n}", "Person", Role.EMPLOYEE, "", f"plum tree river {n}").person
            for n in range(4)
        ]
        keys = tuple(api_keys.create(kyo, one, "loader", UPLOADS, 1).secret for one in uploaders)
        with running_app(tmp_path, url, KYO_UPLOADS_PER_HOUR=str(AN_HOUR)) as app:
            yield Served(app, kyo, keys)
    finally:
        kyo.close()


def test_two_hundred_files_at_once_are_all_there_and_no_more(served: Served) -> None:
    files = [(served.keys[n % 4], f"note {n}.txt", f"This is note {n}.".encode()) for n in range(200)]
    replies = served.send(files)
    assert Counter(reply.status_code for reply in replies) == {201: 200}
    assert library.list_documents(served.kyo, OPERATOR).total == 200
    # The same file of one person is one version of one document, however often it comes.
    again = served.send([(served.keys[1], "the same.txt", b"One for all.")] * 30)
    assert Counter(reply.status_code for reply in again) == {201: 1, 200: 29}
    assert library.list_documents(served.kyo, OPERATOR, text="the same").total == 1
    # Of as many as a person may upload in an hour, and some more, not all get through, whenever an hour began.
    rest = served.send([(served.keys[0], f"more {n}.txt", f"More {n}.".encode()) for n in range(2 * AN_HOUR + 1)])
    counted = Counter(reply.status_code for reply in rest)
    assert set(counted) == {201, 429}
    assert counted[201] <= 2 * AN_HOUR
    assert all(int(reply.headers["retry-after"]) > 0 for reply in rest if reply.status_code == 429)
    assert "Traceback" not in served.app.log
