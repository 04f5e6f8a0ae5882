"""The server's log file."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from photosearch.ui import server_log
from photosearch.ui.server_log import FILE_NAME, start_log

NAMES = ("photosearch", "streamlit.pages", "uvicorn.error")


@pytest.fixture
def log_file(tmp_path: Path) -> Iterator[Path]:
    """A log that has been started; afterwards all loggers are as before."""
    loggers = [logging.root, *(logging.getLogger(name) for name in NAMES)]
    before = [(logger, logger.level, logger.propagate, list(logger.handlers)) for logger in loggers]
    handler_levels = [(handler, handler.level) for handler in logging.root.handlers]
    for logger in loggers[2:]:
        logger.propagate = False
        logger.setLevel(logging.INFO)
    start_log(tmp_path)
    yield tmp_path / FILE_NAME
    for logger, level, propagate, handlers in before:
        for handler in set(logger.handlers) - set(handlers):
            logger.removeHandler(handler)
            handler.close()
        logger.setLevel(level)
        logger.propagate = propagate
    for handler, level in handler_levels:
        handler.setLevel(level)


def test_records_of_package_and_server_are_kept(log_file: Path) -> None:
    for name in ("photosearch.ui.server", "streamlit.pages", "uvicorn.error"):
        logging.getLogger(name).info("from %s", name)
    lines = log_file.read_text().splitlines()
    assert [line.split(": ", 1)[1] for line in lines] == [
        "from photosearch.ui.server",
        "from streamlit.pages",
        "from uvicorn.error",
    ]


def test_an_exception_is_kept_without_its_message(log_file: Path) -> None:
    def fail() -> None:
        raise ValueError("two dogs on a beach")

    try:
        fail()
    except ValueError as error:
        logging.getLogger("streamlit.pages").error("A page failed.", exc_info=error)
    text = log_file.read_text()
    assert "in fail" in text
    assert text.endswith("ValueError\n")
    assert "dogs" not in text.replace('raise ValueError("two dogs on a beach")', "")


def test_a_full_file_is_set_aside(log_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    line = "x" * 1000
    for _ in range((server_log.N_OLDER + 2) * server_log.MAX_BYTES // 1000):
        logging.getLogger("photosearch").info(line)
    kept = sorted(path.name for path in log_file.parent.iterdir())
    assert kept == [FILE_NAME, *(f"{FILE_NAME}.{n}" for n in range(1, server_log.N_OLDER + 1))]
    assert all(path.stat().st_size <= server_log.MAX_BYTES for path in log_file.parent.iterdir())


def test_a_folder_that_cannot_be_written_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    start_log(tmp_path / "missing")
    (record,) = caplog.records
    assert "cannot be written: No such file or directory. The server logs to the console only." in record.getMessage()


def test_the_text_of_an_exception_is_no_other_handlers() -> None:
    query = "two dogs"
    try:
        raise ValueError(query)
    except ValueError:
        record = logging.LogRecord("streamlit", logging.ERROR, "a.py", 1, "failed", None, sys.exc_info())
    before = logging.Formatter().format(record)
    assert query in before, "the console says it"
    line = server_log.WithoutMessages().format(record)
    assert "ValueError" in line
    assert query not in line
    assert logging.Formatter().format(record) == before, "and still does after the file was written"
