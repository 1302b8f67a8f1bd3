"""The warm start rests on names inside Dagster: these tests fail when a new version has changed them."""

import inspect
import sys
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from types import ModuleType

import pytest
from dagster._cli import api
from dagster._grpc import server

from kyo_pipeline.defs.code_server import PRELOADED, WarmApiServer, warm_context

SECONDS = 60


def test_dagster_takes_the_context_of_its_runs_from_where_we_put_ours() -> None:
    assert "self._mp_ctx = multiprocessing.get_context" in inspect.getsource(server.DagsterApiServer.__init__)
    assert "self._mp_ctx.Process(" in inspect.getsource(server.DagsterApiServer.StartRun)


def test_dagsters_command_looks_the_server_up_where_we_replace_it() -> None:
    assert "from dagster._grpc.server import DagsterApiServer" in inspect.getsource(api.grpc_command.callback)
    assert issubclass(WarmApiServer, server.DagsterApiServer)


def test_what_is_preloaded_exists_and_is_there_in_a_new_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """multiprocessing passes over modules that it cannot import, without a word."""
    # AppTest leaves the script of a page there, which the new process would run again.
    monkeypatch.setitem(sys.modules, "__main__", ModuleType("__main__"))
    context = warm_context()
    assert isinstance(context, ForkServerContext)
    here, there = context.Pipe(duplex=False)
    with here, there:
        # Not a pool: one that lost its child would wait for ever.
        process = context.Process(target=_tell_lacking, args=(there, PRELOADED))
        process.start()
        assert here.poll(SECONDS), "the new process says nothing"
        assert here.recv() == []
        process.join(SECONDS)
    assert process.exitcode == 0


def _tell_lacking(there: Connection, names: list[str]) -> None:
    there.send([name for name in names if name not in sys.modules])
