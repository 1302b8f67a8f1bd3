"""What a browser says to Streamlit, said by hand: to say also what no browser would."""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.sync.client import ClientConnection, connect

_SECONDS = 20
_TO_BE_CONTINUED = (ForwardMsg.FINISHED_EARLY_FOR_RERUN,)
#: Kinds of elements that have a label and an id, and are found by the former.
_WIDGETS = ("button", "text_input", "text_area", "chat_input")


@dataclass
class Run:
    """All that came for one run of a page or fragment."""

    messages: list[ForwardMsg] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "\n".join(str(message) for message in self.messages)

    @property
    def session_id(self) -> str:
        return next(found for m in self.messages if (found := m.new_session.initialize.session_id))

    @property
    def redirect(self) -> str:
        """Where the browser is sent, or nothing."""
        return next((m.auth_redirect.url for m in self.messages if m.HasField("auth_redirect")), "")

    @property
    def fragments(self) -> set[str]:
        return {m.delta.fragment_id for m in self.messages if m.delta.fragment_id}

    def widget(self, label: str) -> str:
        """The id of the widget with this label."""
        for message in self.messages:
            for kind in _WIDGETS:
                element = getattr(message.delta.new_element, kind)
                if element.id and label in (getattr(element, "label", ""), getattr(element, "placeholder", "")):
                    return str(element.id)
        raise AssertionError(f"There is no widget {label}:\n{self.text}")

    def has_widget(self, label: str) -> bool:
        return re.search(rf'(label|placeholder): "{re.escape(label)}"', self.text) is not None


@contextmanager
def open_tab(
    url: str,
    cookies: httpx.Cookies | dict[str, str],
    session_id: str = "",
    headers: Iterable[tuple[str, str]] = (),
) -> "Iterator[Tab]":
    """A websocket with these cookies and headers; `session_id` is that of a tab to take up again."""
    cookie = "; ".join(f"{name}={value}" for name, value in cookies.items())
    with connect(
        url.replace("http", "ws", 1) + "/_stcore/stream",
        subprotocols=["streamlit", "no-token", session_id] if session_id else ["streamlit"],
        additional_headers=[("Cookie", cookie), *headers],
        origin=url,
        max_size=None,
        proxy=None,
    ) as socket:
        yield Tab(socket)


class Tab:
    """A tab of a browser, as far as Streamlit knows."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._cache: dict[str, ForwardMsg] = {}

    def runs(self, page: str = "", *widgets: WidgetState, fragment: str = "", query: str = "") -> Run:
        """Ask for a run of this page, as a click or a fragment's clock does, and collect what comes until it ends."""
        message = BackMsg()
        message.rerun_script.page_name = page
        message.rerun_script.fragment_id = fragment
        message.rerun_script.query_string = query
        message.rerun_script.widget_states.widgets.extend(widgets)
        self._socket.send(message.SerializeToString())
        run = Run()
        while True:
            received = self._receive()
            run.messages.append(received)
            if received.HasField("script_finished") and received.script_finished not in _TO_BE_CONTINUED:
                return run

    def _receive(self) -> ForwardMsg:
        data = self._socket.recv(timeout=_SECONDS)
        assert isinstance(data, bytes)
        message = ForwardMsg.FromString(data)
        if message.HasField("ref_hash"):
            return self._cache[message.ref_hash]
        self._cache[message.hash] = message
        return message


def typed(widget: str, text: str) -> WidgetState:
    return WidgetState(id=widget, string_value=text)


def pressed(widget: str) -> WidgetState:
    return WidgetState(id=widget, trigger_value=True)
