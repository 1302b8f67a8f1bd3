"""A limit by the clock, for calls whose own timeouts are of each step: a byte now and then would hold them for ever."""

import threading
from collections.abc import Callable

from kyo_pipeline.errors import Unavailable


def within(seconds: float, call: Callable[[], None], late: str) -> None:
    """Do it, and raise what it raises; `Unavailable` with the sentence `late` when it takes longer."""
    raised: list[BaseException] = []

    def run() -> None:
        try:
            call()
        except BaseException as error:  # noqa: BLE001 — it is raised where somebody waits for it
            raised.append(error)

    # A daemon: what still hangs when the process ends does not keep it.
    thread = threading.Thread(target=run, daemon=True, name="kyo-deadline")
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise Unavailable(late)
    if raised:
        raise raised[0]
