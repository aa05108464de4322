"""A small Kubeflow Pipelines on a local port, with gateways and mishaps in front of it as a test asks for."""

import json
import ssl
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.kubeflow.exchange import Exchange
from tests.kubeflow.kubeflow_state import Call, KubeflowState, RefusalError

_API = "/apis/v2beta1"


@dataclass(frozen=True)
class Mishap:
    """What happens to the next request instead of an answer.

    Attributes:
        status: of the answer.
        body: of the answer.
        content_type: of the answer.
        location: where a redirect leads.
        delay_seconds: longest time before the answer; the end of the server ends it.
        method: of the requests that it waits for, for example POST; empty for any.
        is_served: whether Kubeflow has done what was asked before the answer is lost.
    """

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    location: str = ""
    delay_seconds: float = 0.0
    method: str = ""
    is_served: bool = False


@dataclass
class KubeflowServer:
    """A running server.

    Attributes:
        state: what Kubeflow remembers.
        prefix: path that a gateway takes off, for example /pipeline.
        token: bearer token that is asked for; empty for none.
        cookie: cookie that is asked for; empty for none.
        mishaps: of the next requests.
        exchanges: all requests with their answers.
        address: of the server, with the prefix.
    """

    state: KubeflowState = field(default_factory=KubeflowState)
    prefix: str = ""
    token: str = ""
    cookie: str = ""
    mishaps: deque[Mishap] = field(default_factory=deque)
    exchanges: list[Exchange] = field(default_factory=list)
    origin: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)
    closing: threading.Event = field(default_factory=threading.Event)

    @property
    def address(self) -> str:
        return self.origin + self.prefix

    @contextmanager
    def run(self, certificate: Path | None = None) -> Iterator[None]:
        """Serve until the end of the block.

        Args:
            certificate: file of certificate and key; plain HTTP without it.
        """
        handler = type("Handler", (_Handler,), {"kubeflow": self})
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        server.daemon_threads = True
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        self.origin = f"http{'s' if certificate else ''}://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self.closing.set()
            server.shutdown()
            server.server_close()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    kubeflow: KubeflowServer
    protocol_version = "HTTP/1.1"
    # Headers and body go out together: apart, the kernel holds the second back for 40 ms.
    wbufsize = -1

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def log_message(self, format: str, *args: Any) -> None:
        """Stay silent: tests look at the exchanges."""

    def _serve(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        mishap = self._take_mishap()
        if mishap is not None and mishap.is_served:
            self._answer(content)
        if mishap is not None and mishap.delay_seconds:
            self.kubeflow.closing.wait(mishap.delay_seconds)
        if mishap is not None:
            self._record(content, mishap.status, mishap.body.decode(), from_kubeflow=False)
            return self._send(mishap.status, mishap.body, mishap.content_type, mishap.location)
        try:
            status, answer = 200, self._answer(content)
        except RefusalError as refusal:
            status, answer = refusal.status, {"code": 2, "message": str(refusal), "details": []}
        self._record(content, status, answer, from_kubeflow=True)
        return self._send(status, json.dumps(answer).encode(), "application/json", "")

    def _take_mishap(self) -> Mishap | None:
        with self.kubeflow.lock:
            waiting = self.kubeflow.mishaps
            return waiting.popleft() if waiting and waiting[0].method in ("", self.command) else None

    def _answer(self, content: bytes) -> dict[str, Any]:
        if self.kubeflow.token and self.headers.get("Authorization") != f"Bearer {self.kubeflow.token}":
            raise RefusalError(401, "Request header error: there is no user identity header")
        if self.kubeflow.cookie and self.headers.get("Cookie") != self.kubeflow.cookie:
            raise RefusalError(401, "Request header error: there is no session")
        if not self.path.startswith(self.kubeflow.prefix + _API):
            raise RefusalError(404, f"no route for {self.path}")
        path, query = self._split_path()
        body, files = self._read_body(content)
        call = Call({name: values[0] for name, values in query.items()}, body, files.get("uploadfile", b""))
        with self.kubeflow.lock:
            # A copy, for what is recorded must not change with what is remembered.
            return json.loads(json.dumps(self.kubeflow.state.answer(self.command, path.removeprefix(_API), call)))

    def _split_path(self) -> tuple[str, dict[str, list[str]]]:
        parts = urlsplit(self.path)
        return parts.path.removeprefix(self.kubeflow.prefix), parse_qs(parts.query, keep_blank_values=True)

    def _read_body(self, content: bytes) -> tuple[Any, dict[str, bytes]]:
        kind = self.headers.get("Content-Type", "")
        if not kind.startswith("multipart/form-data"):
            return (json.loads(content) if content else None), {}
        message = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {kind}\r\n\r\n".encode() + content)
        return None, {
            part.get_param("name", header="Content-Disposition"): part.get_payload(decode=True)
            for part in message.iter_parts()
        }

    def _record(self, content: bytes, status: int, answer: Any, *, from_kubeflow: bool) -> None:
        path, query = self._split_path()
        body, files = self._read_body(content)
        headers = {name.lower(): value for name, value in self.headers.items()}
        exchange = Exchange(self.command, path, query, headers, body, files, status, answer, from_kubeflow)
        with self.kubeflow.lock:
            self.kubeflow.exchanges.append(exchange)

    def _send(self, status: int, body: bytes, content_type: str, location: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        if location:
            self.send_header("Location", location)
        self.end_headers()
        self.wfile.write(body)
