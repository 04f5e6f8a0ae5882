"""The processor's time of processes that have ended is counted, however their parents treat them."""

from __future__ import annotations

import os
import subprocess
import sys

from benchmarks.process import ProcessorTime

BUSY = "import time\nwhile time.process_time() < 0.6: pass"
CHILD_NOT_WAITED_FOR = f"""
import os, signal, subprocess, sys, time
signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # as Ray's daemons do
subprocess.Popen([sys.executable, "-c", {BUSY!r}])
time.sleep(0.3)
while True:
    try:
        os.waitpid(-1, 0)
    except ChildProcessError:
        break
"""


def test_processes_that_nobody_waits_for_are_counted() -> None:
    with ProcessorTime(os.getpid()) as spent:
        subprocess.run([sys.executable, "-c", CHILD_NOT_WAITED_FOR], check=True)
    assert spent.seconds > 0.2
