"""The server's log file, server.log in the library's folder."""

from __future__ import annotations

import copy
import logging
import traceback
from contextlib import suppress
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType

from photosearch.files import mode_within

log = logging.getLogger(__name__)
FILE_NAME = "server.log"
MAX_BYTES, N_OLDER = 1_000_000, 3  # a full file becomes server.log.1, and so on to server.log.3
_LIBRARIES = ("streamlit", "uvicorn")
_REQUESTS = "uvicorn.access"  # a handler there would switch on records of all addresses, which hold queries

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class WithoutMessages(logging.Formatter):
    """A format that names an exception and where it was raised, without its message: that may hold a query's text."""

    def format(self, record: logging.LogRecord) -> str:
        """Return a record's line, without the exception's text that a record keeps for all of its handlers."""
        own = copy.copy(record)
        own.exc_text = None
        return super().format(own)

    def formatException(self, ei: ExcInfo) -> str:  # noqa: N802 - the standard library names it so
        """Return the calls that led to an exception and its type."""
        kind, _, where = ei
        return "".join(traceback.format_tb(where)) + (kind.__name__ if kind else "")


class PrivateFileHandler(RotatingFileHandler):
    """A log that those can read who can read its folder."""

    def _open(self) -> TextIOWrapper:
        file = super()._open()
        with suppress(OSError):  # some file systems know no rights
            path = Path(self.baseFilename)
            path.chmod(mode_within(path.parent))
        return file


def start_log(folder: Path) -> None:
    """Also write what the package, Streamlit and uvicorn log from now on to a file in the library's folder."""
    try:
        handler = PrivateFileHandler(folder / FILE_NAME, maxBytes=MAX_BYTES, backupCount=N_OLDER, encoding="utf-8")
    except OSError as error:
        log.warning(
            "%s cannot be written: %s. The server logs to the console only.", folder / FILE_NAME, error.strerror
        )
        return
    handler.setLevel(logging.INFO)
    handler.setFormatter(WithoutMessages("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, format="%(message)s")  # else a file would silence the console
    package = logging.getLogger("photosearch")
    if not package.isEnabledFor(logging.INFO):
        for console in logging.root.handlers:  # goes on printing what it printed
            console.setLevel(max(console.level, package.getEffectiveLevel()))
        package.setLevel(logging.INFO)
    for logger in (package, *_loggers_of_libraries()):
        logger.addHandler(handler)


def _loggers_of_libraries() -> list[logging.Logger]:
    """Return the loggers of Streamlit and uvicorn that do not hand their records on, but not the one of requests."""
    known = [logger for logger in logging.root.manager.loggerDict.values() if isinstance(logger, logging.Logger)]
    return [
        logger
        for logger in known
        if logger.name.split(".")[0] in _LIBRARIES and not logger.propagate and logger.name != _REQUESTS
    ]
