"""A tracer of its own for this process: nothing global is set, and all processes of a run write into one trace."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from proofsearch_trackers.config import SpansConfig

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter

_MOST_ID = 2**64 - 1


class Ids:
    """Numbers for traces and spans, drawn from no generator that a search could share.

    Args:
        run_id: of the run; empty outside of one: then every trace is its own.

    Attributes:
        root: the number of the run's own span, which the searches of all processes are below.
        next: the number of the next span, once; ``None``: any.
    """

    def __init__(self, run_id: str) -> None:
        digest = hashlib.sha256(run_id.encode()).digest()
        self._trace = int.from_bytes(digest[:16], "big") or 1 if run_id else None
        self.root = int.from_bytes(digest[16:24], "big") or 1
        self.next: int | None = None
        self._random = Random(os.urandom(16))

    def generate_span_id(self) -> int:
        """A number of 64 bits."""
        number, self.next = self.next, None
        return number or self._random.randint(1, _MOST_ID)

    def generate_trace_id(self) -> int:
        """A number of 128 bits, the same for all of a run."""
        return self._trace or self._random.randint(1, 2**128 - 1)

    def is_trace_id_random(self) -> bool:
        """Whether a receiver may draw samples by it."""
        return True


class Tracing:
    """Makes spans and has them exported, by a thread of the library.

    Args:
        config: the options.
        run_id: of the run; empty outside of one.
    """

    def __init__(self, config: SpansConfig, run_id: str) -> None:
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        self.ids = Ids(run_id)
        self._provider: TracerProvider = TracerProvider(
            resource=Resource.create({"service.name": os.environ.get("OTEL_SERVICE_NAME", "proofsearch")}),
            id_generator=self.ids,  # type: ignore[arg-type]
            shutdown_on_exit=False,
        )
        self._provider.add_span_processor(BatchSpanProcessor(_exporter(config)))
        self._tracer = self._provider.get_tracer("proofsearch")
        self.below_run = self._below_run() if run_id else None

    def begin(self, name: str, attributes: dict[str, Any], start: int | None = None, below: Any = None) -> Any:
        """Begins a span.

        Args:
            name: of the span.
            attributes: of the span.
            start: when it began, nanoseconds since the epoch; default: now.
            below: the span, or the context, that it is a part of; default: none, it begins a trace.
        """
        from opentelemetry.context import Context
        from opentelemetry.trace import Span, set_span_in_context

        context = set_span_in_context(below, Context()) if isinstance(below, Span) else below or Context()
        return self._tracer.start_span(name, context, attributes=attributes, start_time=start)

    def close(self) -> None:
        """Exports what is left."""
        self._provider.shutdown()

    def _below_run(self) -> Context:
        """The context of what is below the run's span, which another process may have begun."""
        from opentelemetry.context import Context
        from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context

        run = SpanContext(self.ids.generate_trace_id(), self.ids.root, True, TraceFlags(TraceFlags.SAMPLED))
        return set_span_in_context(NonRecordingSpan(run), Context())


def _exporter(config: SpansConfig) -> SpanExporter:
    if config.path is not None:
        from opentelemetry.sdk.trace.export import ConsoleSpanExporter

        lines: Any = _Lines(config.path)
        return ConsoleSpanExporter(out=lines, formatter=lambda span: span.to_json(indent=None) + "\n")
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    return OTLPSpanExporter(endpoint=config.endpoint)


class _Lines:
    """A file that several processes append whole lines to."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)

    def write(self, line: str) -> None:
        os.write(self._file, line.encode())

    def flush(self) -> None:
        """Nothing is kept back."""
