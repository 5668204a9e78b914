"""Static files under an address that changes with them, so that browsers may keep them for good."""

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any

from flask import Flask, url_for


class StaticVersions:
    """Adds ``v=<digest>`` to the addresses of static files; a file is read once a process."""

    def __init__(self, app: Flask) -> None:
        self._folder = Path(app.static_folder or "")
        self._urls: dict[str, str] = {}
        app.url_defaults(self.add)
        app.add_template_global(self.url, "static_url")

    def url(self, filename: str) -> str:
        """A file's address for pages, which name half a dozen each: built once a process."""
        if filename not in self._urls:
            self._urls[filename] = url_for("static", filename=filename)
        return self._urls[filename]

    def add(self, endpoint: str, values: dict[str, Any]) -> None:
        """For ``url_defaults``: add the version of a file that exists."""
        if endpoint == "static" and "v" not in values:
            values["v"] = _digest(self._folder / str(values.get("filename", "")))


@lru_cache(maxsize=256)
def _digest(path: Path) -> str | None:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:10] if path.is_file() else None
