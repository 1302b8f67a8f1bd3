"""A real SMTP server in a thread, with the moods of real ones: as much of RFC 5321 as a client needs."""

import base64
import socketserver
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path


@dataclass
class SmtpServer:
    """What it was given, and how it behaves. `drips` seconds lie between the bytes of its greeting."""

    certificate: Path | None = None
    key: Path | None = None
    password: str | None = None
    refuses: tuple[str, ...] = ()
    refuses_sender: bool = False
    refuses_message: bool = False
    drips: float = 0.0
    messages: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    was_encrypted: bool = False
    port: int = 0


@contextmanager
def running(server: SmtpServer, *, tls: bool = False) -> Iterator[SmtpServer]:
    """Listens while the block runs; with `tls` from the first byte on, else it offers STARTTLS if it can."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            if tls:
                self._encrypt()
            if server.drips:
                for letter in b"220 slow and slower\r\n":
                    self.connection.sendall(bytes([letter]))
                    time.sleep(server.drips)
            self._say("220 mail.example")
            while line := self.rfile.readline():
                if not self._answer(line.decode().strip()):
                    return

        def finish(self) -> None:
            super().finish()
            self.rfile.close()
            self.connection.close()

        def _answer(self, line: str) -> bool:
            verb = line.upper()
            if verb.startswith("EHLO"):
                can = [*(["STARTTLS"] if self._may_encrypt() else []), *(["AUTH PLAIN"] if server.password else [])]
                lines = ["mail.example", *can]
                self._say(
                    "\r\n".join(f"250{'-' if number < len(lines) else ' '}{one}" for number, one in enumerate(lines, 1))
                )
            elif verb == "STARTTLS":
                self._say("220 go ahead")
                self._encrypt()
            elif verb.startswith("AUTH PLAIN"):
                _, user, password = base64.b64decode(line.split()[2]).decode().split("\0")
                server.logins.append(user)
                self._say("235 welcome" if password == server.password else f"535 {password} is wrong")
            elif verb.startswith("MAIL FROM"):
                self._say("550 not you" if server.refuses_sender else "250 ok")
            elif verb.startswith("RCPT TO"):
                address = line[line.index("<") + 1 : line.index(">")]
                if address in server.refuses:
                    self._say("550 nobody here")
                else:
                    server.recipients.append(address)
                    self._say("250 ok")
            elif verb == "DATA":
                self._take()
            elif verb == "QUIT":
                self._say("221 bye")
                return False
            else:
                self._say("250 ok")
            return True

        def _take(self) -> None:
            self._say("354 go on")
            lines = []
            while (line := self.rfile.readline()) not in (b".\r\n", b""):
                lines.append(line[1:] if line.startswith(b"..") else line)
            if server.refuses_message:
                self._say("554 not that")
                return
            server.messages.append(message_from_bytes(b"".join(lines), policy=policy.default))  # type: ignore[arg-type]  # the policy makes it an EmailMessage
            self._say("250 taken")

        def _may_encrypt(self) -> bool:
            return server.certificate is not None and not isinstance(self.connection, ssl.SSLSocket)

        def _encrypt(self) -> None:
            assert server.certificate is not None
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(server.certificate, server.key)
            self.connection = self.request = context.wrap_socket(self.request, server_side=True)
            self.rfile = self.connection.makefile("rb")
            server.was_encrypted = True

        def _say(self, line: str) -> None:
            self.connection.sendall(f"{line}\r\n".encode())

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

        def handle_error(self, request: object, client_address: object) -> None:
            """Clients hang up as they like."""

    with Server(("127.0.0.1", 0), Handler) as listening:
        server.port = listening.server_address[1]
        thread = threading.Thread(target=listening.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            listening.shutdown()
            thread.join()
