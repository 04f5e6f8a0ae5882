"""Errors whose messages are written for people: subject, fact, next step.

PhotosearchError
├── SettingsError        a setting has a value that cannot be used
├── SourceError          a source of photos cannot be found, read or reached
├── PhotoError           a photo cannot be used; the run goes on without it
│   └── TryLater         a photo cannot be read now; the next run tries again
├── ModelError           a model's files are missing, damaged or do not belong together
├── LibraryError         the library cannot be read or written
│   ├── CollectionNotFound
│   ├── PhotoNotFound
│   ├── IndexDamaged     an index cannot be used; it is built again from the library
│   ├── IndexOutOfReach  an index elsewhere cannot be used now; the one in files answers
│   └── WorkerBusy       another run works on the library
├── ReadOnlyError        the public demo cannot be changed
└── Cancelled            the work was cancelled; what was done until then is kept
"""


class PhotosearchError(Exception):
    """Base class of the errors whose messages may be shown to people as they are."""


class SettingsError(PhotosearchError):
    """A setting has a value that cannot be used."""


class SourceError(PhotosearchError):
    """A source of photos cannot be found, read or reached."""


class PhotoError(PhotosearchError):
    """A photo cannot be used; the run goes on without it."""


class TryLater(PhotoError):
    """A photo cannot be read now; the next run tries again."""


class ModelError(PhotosearchError):
    """A model's files are missing, damaged or do not belong together."""


class LibraryError(PhotosearchError):
    """The library cannot be read or written."""


class CollectionNotFound(LibraryError):
    """There is no collection of that name."""


class PhotoNotFound(LibraryError):
    """There is no photo with that id."""


class IndexDamaged(LibraryError):
    """An index cannot be used; it is built again from the library."""


class IndexOutOfReach(LibraryError):
    """An index elsewhere cannot be used now; the one in files answers."""


class WorkerBusy(LibraryError):
    """Another run works on the library."""


class ReadOnlyError(PhotosearchError):
    """The public demo cannot be changed."""


class Cancelled(PhotosearchError):
    """The work was cancelled; what was done until then is kept."""
