"""A git server as tasks meet one: everybody may clone, and who pushes needs a login."""

import base64
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.containers.network import inside

LOGIN = "pipelines:may-push-7f3a"
_PUSH = "git-receive-pack"
_EXPECTED = f"Basic {base64.b64encode(LOGIN.encode()).decode('ascii')}"


@dataclass(frozen=True)
class GitServer:
    """A server that runs in the network of the tasks.

    Attributes:
        folder: holds its repositories.
        address: host and port.
    """

    folder: Path
    address: str

    def locate(self, name: str, *, may_push: bool = False) -> str:
        """URL of a repository, with a login if tasks are to push."""
        return f"http://{f'{LOGIN}@' if may_push else ''}{self.address}/{name}"

    def publish(self, study: Path) -> None:
        """Bring the current branch of a repository to the server."""
        target = self.folder / study.name
        if target.exists():
            _run_git("-C", str(study), "push", "--quiet", str(target), "HEAD")
        else:
            _run_git("clone", "--quiet", "--bare", str(study), str(target))

    def list_branches(self, name: str, pattern: str) -> list[str]:
        """Branches of a repository that a pattern names."""
        listing = ("branch", "--list", pattern, "--format=%(refname:short)")
        return _run_git("-C", str(self.folder / name), *listing).splitlines()

    def list_files(self, name: str, branch: str) -> list[str]:
        """Files of a branch."""
        return _run_git("-C", str(self.folder / name), "ls-tree", "-r", "--name-only", branch).splitlines()

    def check_out(self, name: str, branch: str, folder: Path) -> None:
        """Clone a repository, past the network."""
        _run_git("clone", "--quiet", "--branch", branch, str(self.folder / name), str(folder))


@contextmanager
def serving_git(folder: Path) -> Iterator[GitServer]:
    """Serve the repositories in a folder, by git's own program for web servers."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            is_known = self.headers.get("Authorization") == _EXPECTED
            if _PUSH in self.path and not is_known:
                self.send_response(401)
                self.send_header("WWW-Authenticate", 'Basic realm="studies"')
                self.end_headers()
                return
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            head, _, content = self.ask_git(body, user=LOGIN if is_known else "").partition(b"\r\n\r\n")
            headers = dict(line.split(": ", 1) for line in head.decode().splitlines())
            self.send_response(int(headers.pop("Status", "200").split()[0]))
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = answer  # noqa: N815

        def ask_git(self, body: bytes, *, user: str) -> bytes:
            path, _, query = self.path.partition("?")
            variables = {
                "GIT_PROJECT_ROOT": str(folder),
                "GIT_HTTP_EXPORT_ALL": "1",
                "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
                "REQUEST_METHOD": self.command,
                "PATH_INFO": path,
                "QUERY_STRING": query,
                "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                "CONTENT_LENGTH": str(len(body)),
                "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                "REMOTE_USER": user,
            }
            environment = {**os.environ, **variables}
            return subprocess.run(
                ["git", "http-backend"], input=body, env=environment, capture_output=True, check=True
            ).stdout

        def log_message(self, format: str, *args: object) -> None:
            """Keep the output of the tests free of access logs."""

    # A socket stays in the network in which it was made.
    with inside():
        listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    with listener:
        threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        try:
            yield GitServer(folder, f"127.0.0.1:{listener.server_address[1]}")
        finally:
            listener.shutdown()


def _run_git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], check=True, capture_output=True, text=True).stdout
