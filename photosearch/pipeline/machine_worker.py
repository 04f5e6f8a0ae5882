"""The worker of one machine of a cluster: reads batches and has its models observe them.

It writes thumbnails and copies, and nothing to the database: what it returns is saved by the machine that runs the
command.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from photosearch import __version__
from photosearch.errors import LibraryError, ModelError
from photosearch.library import Pending
from photosearch.library.files import Files
from photosearch.library.known import Known, open_database
from photosearch.pictures.decoding.pool import limit_processes, start_processes
from photosearch.pipeline.speed import READING, Stopwatch
from photosearch.pipeline.stations import N_READERS, Intake, observe, outcome_of
from photosearch.settings import MODELS_DIR, Settings
from photosearch.sources.reading import Reader
from photosearch.vision.registry import Model, ModelChoice, Models

LoadModels = Callable[[Settings], Sequence[Model]]


@dataclass(frozen=True)
class Job:
    """What the workers of a run need to know."""

    settings: Settings
    load: LoadModels
    model_ids: Mapping[tuple[str, str], int]  # numbers in the library, by station and digest
    token: str  # of the library
    host: str  # the machine that runs the command
    redo: bool = False
    has_own_models: bool = False  # whether the models' folder is another one than comes with photosearch
    version: str = __version__


def load_chosen(choice: ModelChoice, settings: Settings) -> Sequence[Model]:
    """Return the chosen models of this machine; raises `ModelError`."""
    return Models(settings.models_dir, settings.library_dir / "models", settings.device).choose(choice)


class Worker:
    """Analyses batches, several at once from several threads. `start` comes first."""

    def version(self) -> str:
        """Return the version of photosearch that is installed on this machine."""
        return __version__

    def clock(self) -> float:
        """Return the time by this machine's clock, in seconds since 1970."""
        return time.time()

    def start(self, job: Job, n_at_once: int) -> None:
        """Load the models and see whether the machine has all that the job needs.

        Args:
            job: what is to be done.
            n_at_once: batches that are observed at the same time; one more may be read meanwhile.

        Raises:
            PhotosearchError: it cannot do the job; the message says why.
        """
        settings = job.settings if job.has_own_models else _with_own_models(job.settings)
        self._files = Files(settings.library_dir, settings.files, lambda: job.token)
        self._check_database(job, settings)
        self._check_files()
        limit_processes(n_at_once)  # the machine may have other cores that are not Ray's
        start_processes(n_at_once)  # while the models are loaded
        models = {(model.station.value, model.digest): model for model in job.load(settings)}
        if lacking := job.model_ids.keys() - models.keys():
            stations = ", ".join(sorted(station for station, _ in lacking))
            raise ModelError(
                f"its models ({stations}) are others than those of {job.host}. Install the same everywhere."
            )
        self._observers = {number: models[key].load() for key, number in job.model_ids.items()}
        self._known = Known(open_database(settings.library_dir, settings.database))
        reader = Reader(settings)
        self._intake = Intake(
            self._known, self._files, reader, list(self._observers), redo=job.redo, keep=settings.keep
        )
        self._readers = ThreadPoolExecutor(N_READERS, thread_name_prefix="reader")
        self._turns = threading.Semaphore(n_at_once)

    def _check_database(self, job: Job, settings: Settings) -> None:
        """See whether this machine reaches the library's database."""
        if settings.database is None and socket.gethostname() != job.host:
            raise LibraryError(
                f"it cannot open the library's tables, which lie in a file on {job.host}."
                " Keep them in PostgreSQL: PHOTOSEARCH_DATABASE."
            )
        with contextlib.closing(Known(open_database(settings.library_dir, settings.database))) as known:
            if known.token() != job.token:
                raise LibraryError("PHOTOSEARCH_DATABASE leads to another library there. Check the names of hosts.")

    def _check_files(self) -> None:
        """See whether this machine sees the pictures that the others see, and can write there."""
        self._files.check_owner()
        self._files.try_writing(f"{socket.gethostname()}-{os.getpid()}")

    def analyse(self, photos: Sequence[Pending]) -> bytes:
        """Read photos and have the models observe those that they have not seen.

        Returns:
            The `stations.Outcome`, pickled, since Ray takes thrice as long for it; the driver hands it on as it is.

        Raises:
            LibraryError: thumbnails or copies cannot be written here, or the database does not answer.
        """
        stopwatch = Stopwatch()
        with stopwatch.measure(READING, "", len(photos)):
            read = list(self._readers.map(self._intake.read_one, photos))
        fresh = {r.picture.sha256: r for r in read if r.picture}
        with self._turns:
            findings = observe(self._observers, fresh, stopwatch)
        return pickle.dumps(outcome_of(photos, read, findings, stopwatch.spent()))


def _with_own_models(settings: Settings) -> Settings:
    """Return the settings with the models that come with this machine's photosearch, wherever it is installed."""
    return replace(settings, models_dir=MODELS_DIR)
