"""What processes use, read from ``/proc`` (Linux): CPU time with all their threads, and memory."""

import os
from collections.abc import Iterable
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE_MB = os.sysconf("SC_PAGE_SIZE") / 2**20
_PPID, _UTIME, _CSTIME, _RSS = 1, 11, 14, 21


def tree(root: int) -> list[int]:
    """A process and its descendants that are alive."""
    parents = {pid: int(fields[_PPID]) for pid in _all() if (fields := _stat(pid))}
    found = [root]
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid]
    return found


def cpu_seconds(pids: Iterable[int]) -> dict[int, float]:
    """CPU seconds of each process until now: user and system, ended threads and children too."""
    return {
        pid: sum(int(ticks) for ticks in fields[_UTIME : _CSTIME + 1]) / _TICKS
        for pid in pids
        if (fields := _stat(pid))
    }


def cpu_since(before: dict[int, float], pids: Iterable[int]) -> float:
    """CPU seconds that these processes have used since ``before`` was read."""
    return sum(used - before.get(pid, 0.0) for pid, used in cpu_seconds(pids).items())


def rss_mb(pids: Iterable[int]) -> float:
    """Resident memory in MB, the sum of the processes: what they share counts in each."""
    return sum(int(fields[_RSS]) * _PAGE_MB for pid in pids if (fields := _stat(pid)))


def _all() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]


def _stat(pid: int) -> list[str]:
    """The fields of ``/proc/<pid>/stat`` after the command's name; none where it has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    except OSError:
        return []
