"""Where Chromium is, and how it is started. As a command: exit status 0 when there is one."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from playwright.sync_api import Browser, Playwright, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def find(playwright: Playwright) -> str | None:
    """The path of a Chromium: the system's, or the one that Playwright downloaded."""
    for name in NAMES:
        if path := shutil.which(name):
            return path
    own = playwright.chromium.executable_path
    return own if Path(own).is_file() else None


def launch(playwright: Playwright, *flags: str) -> Browser:
    """Start it, perhaps with more flags; fails when there is none, since a test that is skipped has tested nothing."""
    path = find(playwright)
    if path is None:
        raise RuntimeError("There is no Chromium. `make test` installs one; see tests/browser/install.sh.")
    as_root = ("--no-sandbox",) if hasattr(os, "geteuid") and os.geteuid() == 0 else ()
    return playwright.chromium.launch(executable_path=path, args=[*FLAGS, *flags, *as_root])


if __name__ == "__main__":
    with sync_playwright() as started:
        sys.exit(0 if find(started) else 1)
