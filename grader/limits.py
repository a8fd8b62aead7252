"""Every bound of the grader, in one place, each one settable (``--limit NAME=VALUE``).

What is over a bound becomes an ``unread`` fact; what hung on it is a person's to judge (contract, section 8).
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what one submission may cost. Sizes in bytes, times in seconds."""

    fetch_seconds: float = 120.0
    """Wall time for obtaining a submission by git, all trips together."""
    stall_seconds: float = 20.0
    """How long a server may send nothing (almost nothing) before the fetch is given up."""
    fetch_bytes: int = 300_000_000
    """What git may bring to disk for one submission."""
    small_blob: int = 1_000_000
    """Blobs above this are left out of the first trip of a partial clone."""
    wanted_bytes: int = 200_000_000
    """What the second trip of a partial clone, for the larger files that are read, may bring."""

    read_seconds: float = 20.0
    """Wall time for reading and judging a submission once it is here."""
    file_seconds: float = 4.0
    """CPU time for one file."""
    memory: int = 600_000_000
    """Address space of the process that reads a submission."""

    entries: int = 20_000
    """Files of a submission that are listed."""
    depth: int = 40
    """Folders in folders."""
    path_length: int = 1_000
    """Characters of a path."""
    archive_bytes: int = 500_000_000
    """Unpacked bytes of an archive, as source or inside a submission."""
    archive_members: int = 20_000
    """Members of an archive that are listed."""

    text_bytes: int = 1_000_000
    """A README, a script, a data file that is searched."""
    notebook_bytes: int = 30_000_000
    """A notebook, outputs included."""
    image_bytes: int = 30_000_000
    """An image file."""
    image_pixels: int = 90_000_000
    """Pixels of an image (Pillow's own bomb limit)."""
    model_bytes: int = 150_000_000
    """A model file or archive as stored."""
    model_objects: int = 6_000_000
    """Objects that a model file makes and that are held at a time."""
    sources: int = 400
    """Python sources and notebooks that are parsed."""
    source_bytes: int = 12_000_000
    """Python source text that is parsed, all files together."""

    rehearsal_seconds: float = 120.0
    """Wall time of one rehearsal, from the start of its sandbox to its end."""
    rehearsal_memory: int = 2_000_000_000
    """Memory of all processes of a rehearsal together, its scratch folder included."""
    rehearsal_processes: int = 64
    """Processes and threads of a rehearsal."""
    environment_seconds: float = 900.0
    """Wall time for building an environment, waiting for another that builds it included."""
    live_seconds: float = 60.0
    """Wall time for asking one live endpoint, retries included."""
    live_endpoints: int = 5
    """Live endpoints of one submission and platform that are asked."""
    live_bytes: int = 1_000_000
    """What a live endpoint may answer to one request."""

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Names as the command line spells them (``fetch-seconds``)."""
        return tuple(f.name.replace("_", "-") for f in fields(cls))

    def with_setting(self, text: str) -> Limits:
        """A copy with one bound set from ``NAME=VALUE``.

        Raises:
            ValueError: no such bound, or no positive number; the message is for the user.
        """
        name, sep, value = text.partition("=")
        if name not in self.names():
            import difflib

            near = difflib.get_close_matches(name, self.names(), 1)
            hint = f"; did you mean {near[0]}?" if near else f"; one of {', '.join(self.names())}"
            raise ValueError(f"no bound is called {name!r}{hint}")
        attribute = name.replace("-", "_")
        kind = type(getattr(self, attribute))
        try:
            number = kind(value.replace("_", "")) if sep else None
        except ValueError:
            number = None
        if number is None or not 0 < number < 1e15:
            raise ValueError(
                f"--limit {name} wants a positive {'whole ' if kind is int else ''}number, as in {name}={getattr(self, attribute)}"
            )
        return replace(self, **{attribute: number})
