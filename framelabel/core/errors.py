"""Every error a user can meet: one line that says what is wrong, where, and what to do.

Each class also derives from the matching builtin, so callers who know nothing of framelabel can catch it.
The command line prints the message and exits with `exit_code`; a traceback appears only with `--debug`.
"""

from __future__ import annotations


class FramelabelError(Exception):
    """Base of all errors that a user can fix; the message is an instruction."""

    exit_code = 1


class UsageError(FramelabelError, ValueError):
    """The request itself makes no sense (flags, spans, names); exit code 2."""

    exit_code = 2


class UnknownNameError(UsageError, LookupError):
    """A catalog, ontology or manifest does not know this name; the message holds the nearest known one."""


class UnreadableVideoError(FramelabelError, OSError):
    """The file holds no picture that can be decoded."""


class FrameNotFoundError(FramelabelError, LookupError):
    """The video has no such frame."""


class InvalidManifestError(FramelabelError, ValueError):
    """A plugin.yaml or config breaks its schema; the message names file, line and the nearest known key."""


class InvalidLabelsError(FramelabelError, ValueError):
    """An annotation file cannot be read as the format it claims to be."""


class UnsupportedLabelsError(FramelabelError, ValueError):
    """A format cannot hold what it was asked to write, even with losses."""


class MissingModelError(FramelabelError, FileNotFoundError):
    """Model weights are not on this machine; the message says where to put the file."""


class DigestMismatchError(FramelabelError, ValueError):
    """A file's content is not the one that was promised."""


class DeviceUnavailableError(FramelabelError, RuntimeError):
    """The requested accelerator is not usable here; the message holds the install hint."""


class ModelMismatchError(FramelabelError, ValueError):
    """A model's inputs or outputs are not what its manifest says."""


class ProjectError(FramelabelError, OSError):
    """A project file cannot be opened, read or written."""


class ProjectLockedError(ProjectError):
    """Another process is writing this project."""


class MissingExtraError(FramelabelError, ImportError):
    """An optional dependency is not installed; the message holds the install command."""


class EndpointError(FramelabelError, OSError):
    """A model server that was configured as an annotator cannot be used; the message says what it answered."""


class ClusterError(FramelabelError, OSError):
    """Machines that were to help cannot be reached or gave up."""
