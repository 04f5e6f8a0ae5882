"""What can go wrong and may be shown as it is: subject, fact, next step.

PhotosearchError
├── SettingsError        a setting has a value that cannot be used
├── SourceError          photos cannot be had from where they should come from
├── PhotoError           one photo cannot be used; the run goes on without it
│   └── TryLater         it could not be read now; the next run tries again
├── ModelError           a model's files are missing, damaged or do not belong together
├── LibraryError         what is kept cannot be read or written
│   ├── CollectionNotFound
│   ├── PhotoNotFound
│   ├── IndexDamaged     what search reads cannot be used; it is made anew
│   └── WorkerBusy       another run is at work on the library
├── ReadOnlyError        the public demo keeps its library as it is
└── Cancelled            somebody ended it; what was done is kept
"""


class PhotosearchError(Exception):
    """Base of all errors whose message is meant for people."""


class SettingsError(PhotosearchError):
    """A setting has a value that cannot be used."""


class SourceError(PhotosearchError):
    """Photos cannot be had from where they should come from."""


class PhotoError(PhotosearchError):
    """One photo cannot be used; the run goes on without it."""


class TryLater(PhotoError):
    """It could not be read now; the next run tries again."""


class ModelError(PhotosearchError):
    """A model's files are missing, damaged or do not belong together."""


class LibraryError(PhotosearchError):
    """What is kept cannot be read or written."""


class CollectionNotFound(LibraryError):
    """There is no collection of that name."""


class PhotoNotFound(LibraryError):
    """There is no photo of that id."""


class IndexDamaged(LibraryError):
    """What search reads cannot be used; it is made anew."""


class WorkerBusy(LibraryError):
    """Another run is at work on the library."""


class ReadOnlyError(PhotosearchError):
    """The public demo keeps its library as it is."""


class Cancelled(PhotosearchError):
    """Somebody ended it; what was done is kept."""
