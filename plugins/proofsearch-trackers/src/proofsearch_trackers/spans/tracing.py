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
    from opentelemetry.trace import SpanContext

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

    Those of a run and of a training, to which events belong, are the library's own (:meth:`begin`). Those of searches
    and their parts, of which there are thousands, are written whole when they are over (:meth:`write`), which takes a
    twentieth of the time.

    Args:
        config: the options.
        run_id: of the run; empty outside of one.

    Attributes:
        run: the run's own span, for what is below it, which another process may have begun; ``None`` outside of one.
    """

    def __init__(self, config: SpansConfig, run_id: str) -> None:
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.sdk.util.instrumentation import InstrumentationScope

        self.ids = Ids(run_id)
        self._resource = Resource.create({"service.name": os.environ.get("OTEL_SERVICE_NAME", "proofsearch")})
        self._provider: TracerProvider = TracerProvider(
            resource=self._resource,
            id_generator=self.ids,  # type: ignore[arg-type]
            shutdown_on_exit=False,
        )
        self._processor = BatchSpanProcessor(_exporter(config))
        self._provider.add_span_processor(self._processor)
        self._tracer = self._provider.get_tracer("proofsearch")
        self._scope = InstrumentationScope("proofsearch")
        self.run = self._place(self.ids.generate_trace_id(), self.ids.root, remote=True) if run_id else None

    def begin(self, name: str, attributes: dict[str, Any], below: SpanContext | None = None) -> Any:
        """Begins a span now.

        Args:
            name: of the span.
            attributes: of the span.
            below: the span that it is a part of; ``None``: it begins a trace.
        """
        return self._tracer.start_span(name, self._context(below), attributes=attributes)

    def place(self, below: SpanContext | None = None) -> SpanContext | None:
        """Where a span will be that is written when it is over, so that others can be below it before.

        Args:
            below: the span that it is a part of; ``None``: it begins a trace.

        Returns:
            The place; ``None`` where the sampler that the environment variables choose wants no such span.
        """
        from opentelemetry.sdk.trace.sampling import Decision

        trace = self.ids.generate_trace_id() if below is None else below.trace_id
        sampled = self._provider.sampler.should_sample(self._context(below), trace, "search")
        if sampled.decision is not Decision.RECORD_AND_SAMPLE:
            return None
        return self._place(trace, self.ids.generate_span_id())

    def write(
        self,
        name: str,
        attributes: dict[str, Any],
        times: tuple[int, int],
        place: SpanContext | None = None,
        below: SpanContext | None = None,
    ) -> None:
        """Writes a span that is over.

        Args:
            name: of the span.
            attributes: of the span: texts, numbers and truth values.
            times: when it began and when it ended, nanoseconds since the epoch.
            place: its own, from :meth:`place`; default: a new one in the trace of ``below``.
            below: the span that it is a part of; ``None``: it begins a trace.
        """
        from opentelemetry.sdk.trace import ReadableSpan

        if place is None:
            assert below is not None
            place = self._place(below.trace_id, self.ids.generate_span_id())
        began, ended = times
        span = ReadableSpan(
            name,
            place,
            below,
            self._resource,
            attributes,
            start_time=began,
            end_time=ended,
            instrumentation_scope=self._scope,
        )
        self._processor.on_end(span)

    def close(self) -> None:
        """Exports what is left."""
        self._provider.shutdown()

    def _place(self, trace: int, number: int, *, remote: bool = False) -> SpanContext:
        from opentelemetry.trace import SpanContext, TraceFlags

        return SpanContext(trace, number, remote, TraceFlags(TraceFlags.SAMPLED))

    def _context(self, below: SpanContext | None) -> Context:
        from opentelemetry.context import Context
        from opentelemetry.trace import NonRecordingSpan, set_span_in_context

        return Context() if below is None else set_span_in_context(NonRecordingSpan(below), Context())


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
