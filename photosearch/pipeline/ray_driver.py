"""The program that drives a Ray cluster for a run: one worker a machine, each with a few batches at a time.

Started by `machines`, from which it asks for batches and to which it hands what comes of them. Ray's own data pipelines
compute far ahead of what is saved, and cannot wait while a run is paused, nor take a batch back from a machine.
"""

from __future__ import annotations

import contextlib
import logging
import os
import pickle
import re
import select
import socket
import time
import traceback
from collections import deque
from typing import Any, BinaryIO

import ray
from ray.exceptions import RayError, RayTaskError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from photosearch.errors import PhotosearchError
from photosearch.library import Reading
from photosearch.pipeline.machine_worker import Job, Worker
from photosearch.pipeline.machines import CONNECTED, END, FAILED, GO_ON, MORE, NOTE, OUTCOME
from photosearch.pipeline.ray_machines import Asked, Batch, Machine, clock_error, machine_of
from photosearch.pipeline.stations import Outcome
from photosearch.settings import LOCAL

ANSWER_S = 5.0  # how long the cluster's port may take to accept a connection
START_S = 300.0  # how long a machine may take to start a worker and load the models
PATIENCE_S = 60.0  # how long the run waits for a machine where there is none
LOOK_S = 3.0  # how often it looks for machines that came or went
WAIT_S = 1.0  # for results, before it looks again
MOST_DEATHS = 5  # of a machine's workers without a result in between
MOST_TRIES = 6  # of a batch whose workers die
CLOCK_NOTE_S, CLOCK_REFUSED_S = 60.0, 3600.0  # files of a clock that is an hour behind look abandoned
STORE_BYTES = 200_000_000  # of shared memory for a local cluster, which holds what waits to be saved
_VERSIONS = re.compile(r"Ray: (\S+)\s+Python: (\S+)")


class Channel:
    """The pipes to the process that started this one: one takes requests, the other gives answers."""

    def __init__(self, requests: BinaryIO, answers: BinaryIO) -> None:
        self._requests = requests
        self._answers = answers

    def say(self, word: str, value: object = None) -> None:
        """Send a message."""
        pickle.dump((word, value), self._requests)
        self._requests.flush()

    def ask(self, word: str, value: object = None) -> Any:
        """Send a message and return the answer; raises `EOFError` where nobody is there any more."""
        self.say(word, value)
        return self.receive()

    def receive(self) -> Any:
        """Return the next answer; raises `EOFError`."""
        return pickle.load(self._answers)  # noqa: S301 - written by our own program

    def check(self) -> None:
        """Raise `EOFError` where nobody is there any more; nothing is to be answered at this moment."""
        if select.select([self._answers], [], [], 0)[0]:
            raise EOFError


class Driver:
    """Hands batches to workers until there are no more."""

    def __init__(self, channel: Channel, address: str, job: Job) -> None:
        self._channel = channel
        self._address = address
        self._job = job
        self._machines: dict[str, Machine] = {}
        self._asked: dict[Any, Asked] = {}
        self._returned: deque[Batch] = deque()
        self._n_tries: dict[str, int] = {}  # by the id of a batch's first photo
        self._facts: list[str] = []
        self._is_exhausted = False
        self._looked_at = 0.0
        self._alone_since = time.monotonic()

    def run(self) -> None:
        """Do all the work; raises `PhotosearchError` where no machine is left that can."""
        while True:
            self._channel.check()
            self._look_for_machines()
            self._hand_out()
            if not any(asked.step == "batch" for asked in self._asked.values()):
                if self._has_more() and not self._channel.ask(GO_ON):  # no outcome is under way that would tell
                    self._give_up()
                if not self._has_more():
                    self._note_ended()
                    return
            self._check_hope()
            if not self._asked:
                time.sleep(WAIT_S)
                continue
            done, _ = ray.wait(list(self._asked), num_returns=1, timeout=WAIT_S)
            for ref in done:
                if ref in self._asked:
                    self._take(ref)

    # Machines

    def _look_for_machines(self) -> None:
        now = time.monotonic()
        if now - self._looked_at >= LOOK_S:
            self._looked_at = now
            nodes = {n["NodeID"]: n for n in ray.nodes() if n["Alive"] and n["Resources"].get("CPU", 0) >= 1}
            for node_id, node in nodes.items():
                if node_id not in self._machines:
                    self._machines[node_id] = machine_of(node)
            for node_id in self._machines.keys() - nodes.keys():
                machine = self._machines.pop(node_id)
                if not machine.is_dismissed:
                    self._note(machine, "it has left the cluster. Its photos went to the others.")
                self._forget(machine)
        for machine in list(self._machines.values()):
            if machine.actor is None and not machine.is_dismissed and now >= machine.restart_at:
                self._start(machine)
            elif machine.actor is not None and not machine.is_ready and now - machine.began > START_S:
                self._dismiss(machine, f"it has started no worker in {START_S:.0f} s. Are its cores taken by others?")

    def _start(self, machine: Machine) -> None:
        machine.began = time.monotonic()
        machine.actor = (
            ray.remote(Worker)
            .options(
                num_cpus=machine.n_cores,
                num_gpus=int(machine.has_gpu),
                max_concurrency=machine.n_at_once + 2,
                max_restarts=0,  # a new worker is asked again whether it can do the job
                max_task_retries=0,
                scheduling_strategy=NodeAffinitySchedulingStrategy(machine.node_id, soft=False),
            )
            .remote()
        )
        self._ask(machine, "version", machine.actor.version.remote())

    def _ask(self, machine: Machine, step: str, ref: Any, batch: Batch = ()) -> None:
        self._asked[ref] = Asked(machine, step, time.time(), batch)
        machine.in_flight += bool(batch)

    def _forget(self, machine: Machine) -> None:
        """Take back what a machine's worker was asked."""
        for ref, asked in list(self._asked.items()):
            if asked.machine is machine:
                del self._asked[ref]
                if asked.batch:
                    self._returned.append(asked.batch)
        if machine.actor is not None:
            with contextlib.suppress(RayError, ValueError):
                ray.kill(machine.actor)
        machine.actor, machine.is_ready, machine.in_flight = None, False, 0

    def _dismiss(self, machine: Machine, fact: str) -> None:
        """Ask a machine nothing more in this run."""
        machine.is_dismissed = True
        self._forget(machine)
        self._note(machine, fact)

    def _note(self, machine: Machine, fact: str) -> None:
        self._facts.append(f"{machine.name}: {fact}")
        self._channel.say(NOTE, f"Machine {machine.name}: {fact}")

    def _note_ended(self) -> None:
        """Tell which machines' workers have ended, which a lack of memory may explain."""
        for machine in self._machines.values():
            if machine.n_ended and not machine.is_dismissed:
                times = "once" if machine.n_ended == 1 else f"{machine.n_ended:,} times"
                self._note(machine, f"its worker has ended {times}. Has it memory enough?")

    def _check_hope(self) -> None:
        """Raise `PhotosearchError` where no machine can do what is left."""
        if any(not machine.is_dismissed for machine in self._machines.values()):
            self._alone_since = time.monotonic()
        elif self._machines or time.monotonic() - self._alone_since > PATIENCE_S:
            facts = " ".join(dict.fromkeys(self._facts)) or "it has none with a core for Ray (ray start --num-cpus)."
            raise PhotosearchError(f"No machine of Ray at {self._address} can go on; what was saved is safe. {facts}")

    # Batches

    def _hand_out(self) -> None:
        for machine in self._machines.values():
            while machine.is_ready and machine.in_flight <= machine.n_at_once:
                batch = self._next()
                if batch is None:
                    return
                self._ask(machine, "batch", machine.actor.analyse.remote(batch), batch)

    def _next(self) -> Batch | None:
        if self._returned:
            if self._channel.ask(GO_ON):
                return self._returned.popleft()
            self._give_up()
        if self._is_exhausted:
            return None
        n_at_once = sum(machine.n_at_once for machine in self._machines.values() if not machine.is_dismissed)
        batch: Batch | None = self._channel.ask(MORE, n_at_once)
        self._is_exhausted = batch is None
        return batch

    def _has_more(self) -> bool:
        return bool(self._returned) or not self._is_exhausted

    def _give_up(self) -> None:
        """Hand out nothing more, since the run is to stop."""
        self._returned.clear()
        self._is_exhausted = True

    def _take(self, ref: Any) -> None:
        """Take the answer of a worker, or see why there is none."""
        asked = self._asked[ref]
        try:
            answer = ray.get(ref)
        except RayTaskError as error:
            cause = error.cause
            told = (
                str(cause) if isinstance(cause, PhotosearchError) else f"{type(cause).__name__}: {_first(str(cause))}."
            )
            self._dismiss(asked.machine, told)
        except RayError as error:
            self._bury(asked.machine, error)
        else:
            del self._asked[ref]
            asked.machine.in_flight -= bool(asked.batch)
            self._proceed(asked, answer)

    def _proceed(self, asked: Asked, answer: Any) -> None:
        machine = asked.machine
        if asked.step == "version":
            if answer != self._job.version:
                fact = f"it has photosearch {answer}, not {self._job.version}. Install the same version everywhere."
                self._dismiss(machine, fact)
            else:
                self._ask(machine, "start", machine.actor.start.remote(self._job, machine.n_at_once))
        elif asked.step == "start":
            self._ask(machine, "clock", machine.actor.clock.remote())
        elif asked.step == "clock":
            off_s = clock_error(asked.at, time.time(), answer)
            if off_s > CLOCK_NOTE_S:
                fact = f"its clock and that of {self._job.host} differ by {off_s / 60:,.0f} minutes."
                if off_s > CLOCK_REFUSED_S:
                    self._dismiss(machine, f"{fact} It takes part once its clock is set.")
                    return
                self._note(machine, f"{fact} Set it.")
            machine.is_ready = True
        else:
            machine.n_deaths = 0
            self._hand_in(machine, asked.batch, answer)

    def _hand_in(self, machine: Machine, batch: Batch, outcome: bytes) -> None:
        """Hand in an outcome as `Worker.analyse` returned it."""
        fault: str | None = self._channel.ask(OUTCOME, outcome)
        if fault is not None:
            self._returned.append(batch)
            if not machine.is_dismissed:
                self._dismiss(machine, fault)

    def _bury(self, machine: Machine, error: RayError) -> None:
        """Go on without a worker that has ended; another one takes its place unless too many have ended."""
        for asked in [a for a in self._asked.values() if a.machine is machine and a.batch]:
            first = asked.batch[0].id
            self._n_tries[first] = self._n_tries.get(first, 0) + 1
        self._forget(machine)
        machine.n_deaths += 1
        machine.n_ended += 1
        machine.restart_at = time.monotonic() + WAIT_S
        if "ModuleNotFoundError" in str(error) or "ImportError" in str(error):
            self._dismiss(
                machine, f"photosearch cannot be imported there: {_import_error(str(error))}. Install it there."
            )
        elif machine.n_deaths >= MOST_DEATHS:
            self._dismiss(machine, f"its worker has ended {MOST_DEATHS} times in a row: {_first(str(error))}.")
        for batch in [b for b in self._returned if self._n_tries.get(b[0].id, 0) >= MOST_TRIES]:
            self._returned.remove(batch)
            reason = f"{MOST_TRIES} workers have ended while they had its batch"
            readings = [Reading(photo.id, photo.stamp, reason=reason, is_final=False) for photo in batch]
            self._channel.ask(OUTCOME, pickle.dumps(Outcome(batch, readings, {})))


def _first(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "no reason is known").rstrip(".")


def _import_error(text: str) -> str:
    return next(line.strip() for line in text.splitlines() if "ModuleNotFoundError" in line or "ImportError" in line)


def connect(address: str) -> None:
    """Connect to a cluster, or start one on this machine that other machines cannot reach.

    Raises:
        PhotosearchError: it does not answer, or has another version.
    """
    quiet: dict[str, Any] = {"include_dashboard": False, "log_to_driver": False, "logging_level": logging.ERROR}
    if address == LOCAL:
        ray.init("local", object_store_memory=STORE_BYTES, _node_ip_address="127.0.0.1", **quiet)
        return
    host, _, port = address.rpartition(":")
    try:
        if host:
            socket.create_connection((host.strip("[]"), int(port)), timeout=ANSWER_S).close()
        ray.init(address, log_to_driver=False, logging_level=logging.ERROR)
    except (OSError, RuntimeError, ValueError, RayError) as error:
        raise PhotosearchError(f"Ray at {address} {_why_not(error)}") from error


def _why_not(error: Exception) -> str:
    versions = _VERSIONS.findall(str(error))
    if len(versions) == 2:
        (their_ray, their_python), (our_ray, our_python) = versions
        return (
            f"runs Ray {their_ray} with Python {their_python}, this machine Ray {our_ray} with Python {our_python}."
            " Install the same versions everywhere."
        )
    return (
        f"cannot be used: {_first(str(error))}. Check the address, that the cluster runs (ray status),"
        " and that this machine is part of it (ray start --address)."
    )


def main() -> None:
    """Do one run."""
    channel = Channel(os.fdopen(os.dup(1), "wb"), os.fdopen(os.dup(0), "rb"))
    os.dup2(2, 1)  # what Ray prints must not come between the messages
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    try:
        address, job = channel.receive()
        connect(address)
        channel.say(CONNECTED)
        Driver(channel, address, job).run()
        channel.say(END)
    except PhotosearchError as error:
        channel.say(FAILED, str(error))
    except (EOFError, BrokenPipeError):
        pass  # the run has ended, or was killed
    except Exception as error:  # noqa: BLE001 - of Ray itself, such as that a node cannot be started
        traceback.print_exc()
        channel.say(FAILED, f"Ray cannot go on: {_first(str(error))}. Start again; what was saved is safe.")
    finally:
        ray.shutdown()


if __name__ == "__main__":
    main()
    os._exit(0)  # the run waits for this end, and what Ray leaves takes Python half a second to tear down
