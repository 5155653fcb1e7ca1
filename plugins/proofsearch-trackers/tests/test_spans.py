"""Would catch: spans that cost more than they tell, that are lost, or that a collector can't read."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip(
    "opentelemetry.sdk", reason="OpenTelemetry is not installed: pip install 'proofsearch-trackers[opentelemetry]'"
)

from proofsearch_trackers.config import SpansConfig
from proofsearch_trackers.plugin import make_spans
from proofsearch_trackers.spans.observer import Spans

from proofsearch.config import RunConfig, SearchConfig
from proofsearch.engine import search
from proofsearch.protocols import RunInfo, TheoremResult
from proofsearch.testing import CountdownConfig, CountdownEnvironment, check_observer
from proofsearch.testing.samples import ListedTactics


def searched(spans: Spans) -> None:
    environment = CountdownEnvironment(CountdownConfig())
    theorem = environment.theorems()[3]
    session = environment.open(theorem)
    search(theorem, session, ListedTactics(), config=SearchConfig(), observers=[spans])
    session.close()
    environment.close()


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_it_keeps_the_contract_of_observers(tmp_path: Path) -> None:
    report = check_observer(make_spans, SpansConfig(path=tmp_path / "spans.jsonl", shortest=0))
    assert report.names("skipped") == []


def test_short_parts_are_counted_and_are_no_spans(tmp_path: Path) -> None:
    spans = Spans(SpansConfig(path=tmp_path / "spans.jsonl", shortest=1e6))
    searched(spans)
    spans.close()
    (only,) = read(tmp_path / "spans.jsonl")
    assert only["name"] == "search"
    assert only["attributes"]["proofsearch.generate.count"] == only["attributes"]["proofsearch.expansions"] > 0
    assert only["attributes"]["proofsearch.step.seconds"] > 0


def test_a_run_that_is_stopped_and_a_search_that_is_broken_off_are_told(tmp_path: Path) -> None:
    spans = Spans(SpansConfig(path=tmp_path / "spans.jsonl"), "run-id")
    spans.run_started(RunInfo(Path("runs/first"), RunConfig(), 3, 0))
    spans.searched(TheoremResult("a", "failed", failure="crashed"))
    environment = CountdownEnvironment(CountdownConfig())
    from proofsearch.graph import SearchGraph

    spans.started(environment.theorems()[0], SearchGraph())
    spans.close()
    spans.close()
    found = {span["name"]: span for span in read(tmp_path / "spans.jsonl")}
    assert found["search"]["attributes"]["proofsearch.status"] == "broken off"
    assert found["run"]["attributes"]["proofsearch.stopped"] is True
    assert found["run"]["events"][0]["attributes"]["proofsearch.theorem"] == "a"


def test_parts_are_below_their_search_and_within_its_time(tmp_path: Path) -> None:
    spans = Spans(SpansConfig(path=tmp_path / "spans.jsonl", shortest=0), "run-id")
    spans.run_started(RunInfo(Path("runs/first"), RunConfig(), 2, 0))
    searched(spans)
    searched(spans)
    spans.run_finished(RunInfo(Path("runs/first"), RunConfig(), 2, 0), {})
    spans.close()
    found = read(tmp_path / "spans.jsonl")
    (run,) = (span for span in found if span["name"] == "run")
    first, second = searches = [span for span in found if span["name"] == "search"]
    assert {span["parent_id"] for span in searches} == {run["context"]["span_id"]}
    assert len({span["context"]["span_id"] for span in found}) == len(found)
    assert {span["context"]["trace_id"] for span in found} == {run["context"]["trace_id"]}
    for one in searches:
        parts = [span for span in found if span["parent_id"] == one["context"]["span_id"]]
        assert {part["name"] for part in parts} == {"generate", "step"}
        for part in parts:
            assert one["start_time"] <= part["start_time"] <= part["end_time"] <= one["end_time"]
    assert first["end_time"] <= second["start_time"]
    assert {json.dumps(span["resource"]) for span in found} == {json.dumps(run["resource"])}


def test_a_sampler_of_the_environment_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    spans = Spans(SpansConfig(path=tmp_path / "spans.jsonl", shortest=0), "run-id")
    searched(spans)
    spans.close()
    assert read(tmp_path / "spans.jsonl") == []


@contextmanager
def collector() -> Iterator[tuple[str, list[bytes]]]:
    """An OTLP/HTTP collector that keeps what it is sent."""
    sent: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *arguments: Any) -> None:
            pass

        def do_POST(self) -> None:
            sent.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1/traces", sent
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_collector_gets_them() -> None:
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http")
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    with collector() as (endpoint, sent):
        spans = Spans(SpansConfig(endpoint=endpoint, shortest=0), "run-id")
        searched(spans)
        spans.close()
    names: list[str] = []
    for body in sent:
        request = ExportTraceServiceRequest()
        request.ParseFromString(body)
        names += [span.name for group in request.resource_spans for scope in group.scope_spans for span in scope.spans]
    assert names.count("search") == 1 and names.count("generate") > 0
