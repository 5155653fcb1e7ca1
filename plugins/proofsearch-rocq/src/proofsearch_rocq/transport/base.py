"""What a session asks of a running prover, and what every transport does alike whatever protocol it speaks."""

from __future__ import annotations

import contextlib
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence

from proofsearch.process.recovery import INTERRUPTED, LostError
from proofsearch.process.usage import ProcessorTimes
from proofsearch.protocols import Usage
from proofsearch_rocq.lemmas import Lemma, SourceFile
from proofsearch_rocq.transport.interface import Failure, Goals, Place
from proofsearch_rocq.transport.process import DeadlineError, ProverProcess
from proofsearch_rocq.transport.settings import REPLAYED, SETTINGS, SLACK, limited


class Transport(ABC):
    """A prover that runs for one file. Used by one thread at a time, but for :meth:`interrupt`.

    The prover is started with the first call that needs it.

    Args:
        command: the program.
        file: whose lemmas are to be proved.
        timeout: seconds that a tactic may run, whole ones, kept by the prover itself.
        grace: seconds after that until the transport steps in.
        start_timeout: seconds for what stands before a lemma.
        max_memory: address space of the process in bytes.
    """

    def __init__(
        self,
        command: Sequence[str],
        file: SourceFile,
        timeout: int,
        grace: float,
        start_timeout: float,
        max_memory: int,
    ) -> None:
        self._command = tuple(command)
        self._file = file
        self._timeout = timeout
        self._grace = grace
        self._start_timeout = start_timeout
        self._max_memory = max_memory
        self._process: ProverProcess | None = None
        self._times = ProcessorTimes()
        self._interrupted = False
        self._base = [Place(None, "")]
        for sentence in SETTINGS:
            self._base.append(Place(self._base[-1], sentence))
        self._forget()

    # -- what a session asks -------------------------------------------------------------------------------------

    def start(self, lemma: Lemma) -> Place:
        """The place before a lemma of the file; nothing is run."""
        base = self._base
        for sentence in self._file.sentences[len(base) - 1 - len(SETTINGS) : lemma.first]:
            base.append(Place(base[-1], sentence.text))
        return base[lemma.first + len(SETTINGS)]

    @abstractmethod
    def go(self, place: Place) -> Goals | Failure:
        """Goes to a place, by running what leads there, and says what is to be proved there.

        Raises:
            LostError: the process ended; it is started anew with the next call.
            DeadlineError: it had to be ended because it didn't answer.
        """

    @abstractmethod
    def trial(self, place: Place, sentence: str, timed: bool = True) -> Goals | Failure:
        """What a sentence would lead to behind a place; the prover is at that place afterwards.

        Args:
            place: where; gone to first where the prover is elsewhere.
            sentence: to be tried.
            timed: whether the time-out of tactics applies; otherwise that of what stands before a lemma does.

        Raises:
            LostError, DeadlineError: as :meth:`go`.
        """

    @abstractmethod
    def full_names(self) -> Sequence[str]:
        """The open goals of the place where it is, then the shelved ones, each as one text with nothing left implicit.

        Raises:
            LostError, DeadlineError: as :meth:`go`.
        """

    def usage(self) -> Usage:
        """What the process uses, and how many states it holds."""
        process = self._process
        if process is None:
            return Usage()
        used = process.usage()
        return Usage(used.memory, used.processes, self._num_states())

    def processor_seconds(self) -> float:
        """How long processors worked for its processes, one after another."""
        process = self._process
        return self._times.read(() if process is None else [process.running()])

    def renew(self) -> None:
        """Ends the process; the next call starts another."""
        self.processor_seconds()  # what it has used is not forgotten
        process, self._process = self._process, None
        if process is not None:
            process.close()
        self._forget()

    def interrupt(self) -> None:
        """Ends what runs, and all that is asked later, with :class:`LostError`. From any thread."""
        self._interrupted = True
        process = self._process
        if process is not None:
            process.kill()

    @property
    def interrupted(self) -> bool:
        """Whether it was interrupted, so that it is of no use any more."""
        return self._interrupted

    def close(self) -> None:
        """Ends the process. Idempotent."""
        self.renew()

    # -- what a protocol has to say ------------------------------------------------------------------------------

    @abstractmethod
    def _start(self) -> ProverProcess:
        """Starts the process.

        Raises:
            LostError: it can't be started.
        """

    @abstractmethod
    def _greet(self, process: ProverProcess, until: float) -> str:
        """Makes the first calls; returns why the prover refuses, ``""`` where it doesn't."""

    @abstractmethod
    def _num_states(self) -> int:
        """How many states the prover holds."""

    @abstractmethod
    def _forget(self) -> None:
        """Sets what is known of a process to what is known before it is started."""

    # -- what every protocol does --------------------------------------------------------------------------------

    def _running(self) -> ProverProcess:
        """The process, started where none runs.

        Raises:
            LostError: it was interrupted, can't be started or refuses to begin.
            DeadlineError: it doesn't answer.
        """
        if self._interrupted:
            self.renew()
            raise LostError(INTERRUPTED)
        if self._process is None:
            process = self._process = self._start()
            if self._interrupted:  # just now
                process.kill()
            refusal = self._greet(process, time.monotonic() + self._start_timeout)
            if refusal:
                self.renew()
                raise LostError(f"it refused to begin: {refusal}")
        return self._process

    @contextlib.contextmanager
    def _ending_a_failed_process(self, deadline: str = "no answer in time; it was killed") -> Iterator[None]:
        """Ends the process where it is gone or gives no answer; the next call starts another.

        Args:
            deadline: the message where there is no answer in time.
        """
        try:
            yield
        except DeadlineError:
            self.renew()
            raise DeadlineError(deadline) from None
        except LostError:
            self.renew()
            raise

    def _as_replayed(self, place: Place) -> str:
        """The sentence that leads to a place, as it is run again."""
        return limited(place.sentence, REPLAYED * self._timeout) if place.timed else place.sentence

    def _replay_deadline(self, places: Sequence[Place]) -> float:
        """The time, by the monotonic clock, by which the sentences to these places have to have run."""
        steps = sum(place.timed for place in places)
        seconds = SLACK + REPLAYED * (self._timeout + self._grace) * steps
        if steps < len(places):
            seconds += self._start_timeout
        return time.monotonic() + seconds

    def _as_tried(self, sentence: str, timed: bool) -> str:
        """A sentence as it is tried for the first time."""
        return limited(sentence, self._timeout) if timed else sentence

    def _trial_deadline(self, timed: bool) -> float:
        """The time, by the monotonic clock, by which a trial has to be answered."""
        return time.monotonic() + (self._timeout if timed else self._start_timeout) + self._grace
