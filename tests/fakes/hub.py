"""A Hugging Face Hub with one model on 127.0.0.1, which can misbehave."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

NAME = "someone/tiny"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass(frozen=True)
class Answer:
    """``cut``, if set, is the number of bytes of the body after which the connection closes."""

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: int | None = None


class Hub:
    """Serves ``files`` of the model ``NAME`` at ``COMMIT``, the head of its main branch.

    ``instead`` may return another answer for a path; ``tokens`` are those that came with requests.
    """

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.files = dict(files)
        self.instead: Callable[[str], Answer | None] = lambda _: None
        self.tokens: set[str | None] = set()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def answer(self, path: str) -> Answer:
        name = path.rsplit("/", 1)[-1]
        if path == f"/api/models/{NAME}/revision/main":
            return Answer(body=json.dumps({"id": NAME, "sha": COMMIT, "siblings": []}).encode())
        if path == f"/api/models/{NAME}/tree/{COMMIT}":
            tree = [
                {"type": "file", "path": name, "size": len(data), "oid": name}
                for name, data in self.files.items()
            ]
            return Answer(body=json.dumps(tree).encode())
        if path == f"/{NAME}/resolve/{COMMIT}/{name}" and name in self.files:
            return Answer(body=self.files[name], headers={"ETag": f'"{name}"', "X-Repo-Commit": COMMIT})
        known = path.startswith(f"/api/models/{NAME}/")
        return Answer(404, headers={"X-Error-Code": "RevisionNotFound" if known else "RepoNotFound"})

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_HEAD(self) -> None:
                self.say(b"")

            def do_GET(self) -> None:
                self.say(None)

            def say(self, instead_of_body: bytes | None) -> None:
                hub.tokens.add(self.headers.get("Authorization"))
                path = self.path.split("?")[0]
                answer = hub.instead(path) or hub.answer(path)
                self.send_response(answer.status)
                self.send_header("Content-Length", str(len(answer.body)))
                for key, value in answer.headers.items():
                    self.send_header(key, value)
                self.end_headers()
                self.wfile.write(answer.body[: answer.cut] if instead_of_body is None else instead_of_body)
                self.close_connection = True

            def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
                """Stay quiet."""

        return Handler


@contextmanager
def running(files: Mapping[str, bytes]) -> Iterator[Hub]:
    hub = Hub(files)
    thread = threading.Thread(target=hub.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield hub
    finally:
        hub.server.shutdown()
        thread.join()
        hub.server.server_close()


def use_hub(url: str, patch: pytest.MonkeyPatch) -> None:
    """Point huggingface_hub, which reads its environment only once, at ``url``."""
    patch.setattr("huggingface_hub.constants.ENDPOINT", url)
    template = url + "/{repo_id}/resolve/{revision}/{filename}"
    patch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", template)
