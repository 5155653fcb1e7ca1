"""A stand-in for the Hugging Face hub: what of its HTTP interface the library uses to fetch and to push small files.

Repositories are kept in memory, each commit with all of its files. No request leaves this machine.
"""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

from pytest import MonkeyPatch

TOKEN = "hf_of_the_tests"
"""What a push has to show."""

Files = dict[str, bytes]


@dataclass
class Repository:
    """A repository: its commits, the newest last, and the branch that names each."""

    private: bool = False
    commits: dict[str, Files] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)

    def commit(self, changes: Mapping[str, bytes | None], message: str = "", branch: str = "main") -> str:
        """Adds a commit with some files changed, or removed where there is no content; gives its hash."""
        together = {**self.commits.get(self.branches.get(branch, ""), {}), **changes}
        files = {name: content for name, content in together.items() if content is not None}
        said = repr((len(self.commits), sorted((name, content) for name, content in files.items())))
        commit = hashlib.sha1(said.encode()).hexdigest()
        self.commits[commit], self.branches[branch] = files, commit
        self.messages.append(message)
        return commit

    def at(self, revision: str) -> str | None:
        """The commit of a revision."""
        commit = self.branches.get(revision, revision)
        return commit if commit in self.commits else None


@dataclass
class FakeHub:
    """The hub.

    Attributes:
        endpoint: its address.
        repositories: by kind and name: ``"models/me/value"``.
        requests: every request so far, its method and path.
    """

    endpoint: str = ""
    repositories: dict[str, Repository] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)

    def add(self, name: str, files: Files, kind: str = "models") -> str:
        """Puts files into a repository; gives the commit."""
        return self.repositories.setdefault(f"{kind}/{name}", Repository()).commit(files)

    def files(self, name: str, kind: str = "models", branch: str = "main") -> Files:
        """The newest files of a repository."""
        repository = self.repositories[f"{kind}/{name}"]
        return repository.commits[repository.branches[branch]]


class _RefusedError(Exception):
    def __init__(self, status: int, code: str = "") -> None:
        super().__init__(status)
        self.status, self.code = status, code


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: FakeHub

    def log_message(self, format: str, *arguments: Any) -> None:
        pass

    def do_GET(self) -> None:
        self._answer("GET")

    def do_HEAD(self) -> None:
        self._answer("HEAD")

    def do_POST(self) -> None:
        self._answer("POST")

    def _answer(self, method: str) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = unquote(urlsplit(self.path).path)
        self.hub.requests.append(f"{method} {path}")
        try:
            status, headers, content = self._route(method, path.strip("/").split("/"), body)
        except _RefusedError as refused:
            status, content = refused.status, b'{"error": "refused"}'
            headers = {"X-Error-Code": refused.code, "X-Error-Message": "refused"} if refused.code else {}
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(content))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        if method != "HEAD":
            self.wfile.write(content)

    def _route(self, method: str, path: list[str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        match path:
            case ["api", "validate-yaml"]:
                _check_card(json.loads(body)["content"])
                return self._json({"errors": [], "warnings": []})
            case ["api", "repos", "create"]:
                return self._create(json.loads(body))
            case ["api", kind, user, name, "revision", *revision]:
                repository, commit = self._at(f"{kind}/{user}/{name}", "/".join(revision))
                return self._json(self._info(f"{user}/{name}", repository, commit))
            case ["api", kind, user, name, "tree", *rest]:
                repository, commit = self._at(f"{kind}/{user}/{name}", rest[0])
                return self._json(_tree(repository.commits[commit]))
            case ["api", kind, user, name, "preupload", *_]:
                self._refuse_strangers()
                self._repository(f"{kind}/{user}/{name}")
                files = [
                    {"path": file["path"], "uploadMode": "regular", "shouldIgnore": False}
                    for file in json.loads(body)["files"]
                ]
                return self._json({"files": files})
            case ["api", kind, user, name, "commit", branch]:
                return self._json(self._commit(f"{kind}/{user}/{name}", branch, body))
            case ["api", kind, user, name]:
                repository, commit = self._at(f"{kind}/{user}/{name}", "main")
                return self._json(self._info(f"{user}/{name}", repository, commit))
            case ["datasets", user, name, "resolve", revision, *file]:
                return self._file(f"datasets/{user}/{name}", revision, "/".join(file))
            case [user, name, "resolve", revision, *file]:
                return self._file(f"models/{user}/{name}", revision, "/".join(file))
        raise _RefusedError(404)

    def _json(self, value: Any) -> tuple[int, dict[str, str], bytes]:
        return 200, {"Content-Type": "application/json"}, json.dumps(value).encode()

    def _is_known(self) -> bool:
        return self.headers.get("Authorization") == f"Bearer {TOKEN}"

    def _refuse_strangers(self) -> None:
        if not self._is_known():
            raise _RefusedError(401)

    def _repository(self, key: str) -> Repository:
        found = self.hub.repositories.get(key)
        if found is None or (found.private and not self._is_known()):
            raise _RefusedError(404, "RepoNotFound")
        return found

    def _at(self, key: str, revision: str) -> tuple[Repository, str]:
        repository = self._repository(key)
        commit = repository.at(revision)
        if commit is None:
            raise _RefusedError(404, "RevisionNotFound")
        return repository, commit

    def _create(self, wanted: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        self._refuse_strangers()
        kind, owner = wanted.get("type") or "model", wanted.get("organization") or "me"
        key = f"{kind}s/{owner}/{wanted['name']}"
        made = key not in self.hub.repositories
        if made:
            private = wanted.get("private") or wanted.get("visibility") == "private"
            self.hub.repositories[key] = Repository(bool(private))
            self.hub.repositories[key].commit({".gitattributes": b""}, "initial commit")
        url = {"url": f"{self.hub.endpoint}/{key.removeprefix('models/')}", "name": f"{owner}/{wanted['name']}"}
        return (200 if made else 409), *self._json(url)[1:]

    def _commit(self, key: str, branch: str, body: bytes) -> dict[str, Any]:
        self._refuse_strangers()
        repository = self._repository(key)
        lines = [json.loads(line) for line in body.splitlines() if line]
        message = next(line["value"]["summary"] for line in lines if line["key"] == "header")
        changes: dict[str, bytes | None] = {
            line["value"]["path"]: base64.b64decode(line["value"]["content"]) for line in lines if line["key"] == "file"
        }
        changes |= dict.fromkeys(line["value"]["path"] for line in lines if line["key"] == "deletedFile")
        commit = repository.commit(changes, message, branch)
        url = f"{self.hub.endpoint}/{key.removeprefix('models/')}/commit/{commit}"
        return {"success": True, "commitOid": commit, "commitUrl": url, "hookOutput": ""}

    def _info(self, name: str, repository: Repository, commit: str) -> dict[str, Any]:
        siblings = [{"rfilename": file} for file in repository.commits[commit]]
        return {"_id": name, "id": name, "sha": commit, "private": repository.private, "siblings": siblings, "tags": []}

    def _file(self, key: str, revision: str, name: str) -> tuple[int, dict[str, str], bytes]:
        repository, commit = self._at(key, revision)
        content = repository.commits[commit].get(name)
        if content is None:
            raise _RefusedError(404, "EntryNotFound")
        return 200, {"X-Repo-Commit": commit, "ETag": f'"{_blob(content)}"'}, content


def _check_card(card: str) -> None:
    """Refuses a card whose front matter is no YAML, as the hub does."""
    import yaml

    _, front, _ = card.split("---\n", 2)
    if not isinstance(yaml.safe_load(front), dict):
        raise _RefusedError(400)


def _blob(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def _tree(files: Files) -> list[dict[str, Any]]:
    return [
        {"type": "file", "path": name, "size": len(content), "oid": _blob(content)} for name, content in files.items()
    ]


@contextmanager
def served() -> Iterator[FakeHub]:
    """A hub that answers, on a free port of this machine."""
    hub = FakeHub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": hub}))
    server.daemon_threads = True
    hub.endpoint = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def use(hub: FakeHub, cache: str, monkeypatch: MonkeyPatch) -> None:
    """Has the library ask this hub, with a cache and a token of the test's own, in this process and those it starts."""
    from huggingface_hub import constants

    here = {"ENDPOINT": hub.endpoint, "HF_HUB_CACHE": cache, "HF_HOME": cache, "HF_HUB_OFFLINE": False}
    here["HUGGINGFACE_CO_URL_TEMPLATE"] = hub.endpoint + "/{repo_id}/resolve/{revision}/{filename}"
    for name, value in here.items():
        monkeypatch.setattr(constants, name, value)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_PROGRESS_BARS", True)
    for name, text in {
        "HF_ENDPOINT": hub.endpoint,
        "HF_HOME": cache,
        "HF_HUB_CACHE": cache,
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_TOKEN": TOKEN,
    }.items():
        monkeypatch.setenv(name, text)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
