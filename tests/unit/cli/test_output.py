"""What the command line says while it is at work, where nobody sees a bar."""

from __future__ import annotations

import pytest

from photosearch.cli import output
from photosearch.cli.output import progress_bar
from photosearch.records import Progress


def test_without_a_terminal_a_line_comes_now_and_then(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = [100.0]
    monkeypatch.setattr(output.time, "monotonic", lambda: now[0])
    with progress_bar("Listing") as show:
        for seconds, progress in (
            (1, Progress(0, 0)),
            (output.FIRST_LINE_S, Progress(3, 0, "Instagram asks to wait: 10:50 left")),
            (output.FIRST_LINE_S + output.LINES_S - 1, Progress(3, 0, "Instagram asks to wait: 9:51 left")),
            (output.FIRST_LINE_S + output.LINES_S, Progress(5, 7)),
        ):
            now[0] = 100.0 + seconds
            show(progress)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.splitlines() == ["Listing: Instagram asks to wait: 10:50 left (3)", "Listing (5 of 7)"]
