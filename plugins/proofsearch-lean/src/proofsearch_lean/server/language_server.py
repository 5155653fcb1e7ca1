"""The language server of an environment: started when it is needed, and again when it has died."""

from __future__ import annotations

import threading
from pathlib import Path

import psutil

from proofsearch_lean.server.connection import Connection, ConnectionLostError
from proofsearch_lean.toolchain import Toolchain

OPTIONS = ("-Dserver.reportDelayMs=0",)
"""Without it the server waits 0.2 s before it reports."""


class LanguageServer:
    """One server for all documents of an environment. Methods may be called from several threads.

    Args:
        toolchain: whose server it is.
        timeout: seconds that it has to start.
    """

    def __init__(self, toolchain: Toolchain, timeout: float) -> None:
        self._command = (*toolchain.server, *OPTIONS)
        self._timeout = timeout
        self._lock = threading.Lock()
        self._connection: Connection | None = None
        self._closed = False
        self.folder: Path = toolchain.folder

    def connection(self) -> Connection:
        """The server that runs; starts one where none does.

        Raises:
            ConnectionLostError: it can't be started.
        """
        with self._lock:
            if self._closed:
                raise ConnectionLostError("the environment was closed")
            if self._connection is None or self._connection.lost:
                if self._connection is not None:
                    self._connection.close()
                self._connection = None
                self._connection = Connection(self._command, self.folder, self._timeout)
            return self._connection

    def last_words(self) -> str:
        """What the server wrote to its standard error last, to be put behind a message."""
        connection = self._connection
        return "" if connection is None else connection.last_words()

    def processes(self) -> list[psutil.Process]:
        """The server's own process, where one runs, without those that read documents."""
        connection = self._connection
        if connection is None or connection.lost:
            return []
        try:
            return [psutil.Process(connection.pid)]
        except psutil.Error:
            return []

    def stop(self) -> None:
        """Ends the server; the next that needs it starts another."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
            self._connection = None

    def close(self) -> None:
        """Ends the server for good. Idempotent."""
        self._closed = True
        self.stop()
