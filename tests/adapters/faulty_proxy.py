"""A proxy in front of a real server: it passes on what both say, or does to it what networks and gateways do."""

import http.client
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


@dataclass
class Fault:
    """What happens to one request. `status`: the server is not asked, and this is the answer.

    `cut_after`: the connection is broken after so many events of a stream, or so many bytes of another body.
    `without`: events that hold this text are left out. `drip`: seconds before each byte of a body that is ours.
    """

    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: str = "upstream says no"
    delay: float = 0.0
    cut_after: int | None = None
    without: str | None = None
    drip: float = 0.0


@dataclass
class Proxy:
    """Each request takes the next of the faults; without one it is only passed on."""

    faults: list[Fault]
    url: str = ""
    headers: list[dict[str, str]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)


@contextmanager
def running_proxy(upstream: str, *faults: Fault) -> Iterator[Proxy]:
    proxy = Proxy(list(faults))
    host = urlsplit(upstream).netloc

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            proxy.headers.append({name.lower(): value for name, value in self.headers.items()})
            proxy.bodies.append(body)
            fault = proxy.faults.pop(0) if proxy.faults else Fault()
            time.sleep(fault.delay)
            try:
                if fault.status is not None:
                    self._say(fault.status, fault.headers, _dripping(fault.body.encode(), fault.drip))
                else:
                    self._pass_on(body, fault)
            except OSError:  # the client has left, or after a delay the server has
                self.close_connection = True

        def _pass_on(self, body: bytes, fault: Fault) -> None:
            connection = http.client.HTTPConnection(host, timeout=60)
            # As the client sent them, but without compression, and over a connection of our own.
            dropped = ("host", "connection", "accept-encoding", "content-length")
            headers = {name: value for name, value in self.headers.items() if name.lower() not in dropped}
            try:
                connection.request("POST", self.path, body, headers)
                answer = connection.getresponse()
                kept = {"content-type": answer.headers["content-type"] or "application/json"}
                self._say(answer.status, kept, _parts(answer, fault))
            finally:
                connection.close()

        def _say(self, status: int, headers: dict[str, str], parts: Iterator[bytes] | list[bytes]) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("transfer-encoding", "chunked")
            self.send_header("connection", "close")
            self.end_headers()
            for part in parts:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
                self.wfile.flush()
            self.wfile.write(b"0\r\n\r\n")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 — http.server's name
            pass

    Handler.protocol_version = "HTTP/1.1"
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    proxy.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _dripping(body: bytes, drip: float) -> Iterator[bytes]:
    if not drip:
        yield body
        return
    for place in range(len(body)):
        time.sleep(drip)
        yield body[place : place + 1]


def _parts(answer: http.client.HTTPResponse, fault: Fault) -> Iterator[bytes]:
    """The body, by events where it is a stream of them. A cut ends without the end of the last chunk."""
    if "event-stream" not in (answer.headers["content-type"] or ""):
        if body := answer.read()[: fault.cut_after]:
            yield body
    else:
        event, passed = b"", 0
        while line := answer.readline():
            event += line
            if line.strip():
                continue
            if event.strip() and not (fault.without and fault.without.encode() in event):
                if passed == fault.cut_after:
                    break
                yield event
                passed += 1
            event = b""
    if fault.cut_after is not None:
        raise ConnectionResetError
