"""The warm start rests on names inside Dagster: these tests fail when a new version has changed them."""

import inspect
import multiprocessing

from dagster._cli import api
from dagster._grpc import server

from kyo_pipeline.defs.code_server import PRELOADED, WarmApiServer, warm_context


def test_dagster_takes_the_context_of_its_runs_from_where_we_put_ours() -> None:
    assert "self._mp_ctx = multiprocessing.get_context" in inspect.getsource(server.DagsterApiServer.__init__)
    assert "self._mp_ctx.Process(" in inspect.getsource(server.DagsterApiServer.StartRun)


def test_dagsters_command_looks_the_server_up_where_we_replace_it() -> None:
    assert "from dagster._grpc.server import DagsterApiServer" in inspect.getsource(api.grpc_command.callback)
    assert issubclass(WarmApiServer, server.DagsterApiServer)


def test_what_is_preloaded_exists_and_is_there_in_a_new_process() -> None:
    """multiprocessing passes over modules that it cannot import, without a word."""
    context = warm_context()
    with context.Pool(1) as pool:
        assert pool.apply(_lacking, [PRELOADED]) == []
    assert isinstance(context, multiprocessing.context.ForkServerContext)


def _lacking(names: list[str]) -> list[str]:
    import sys

    return [name for name in names if name not in sys.modules]
