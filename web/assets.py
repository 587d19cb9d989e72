"""The files pages load: ours and vendored ones, never from elsewhere."""

from hashlib import sha256
from pathlib import Path

from fastapi import Response

_MEDIA_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


class Assets:
    """The files of one folder, read once."""

    def __init__(self, folder: Path) -> None:
        self._files = {
            path.name: path.read_bytes() for path in folder.iterdir() if path.suffix in _MEDIA_TYPES
        }
        self._versions = {name: sha256(content).hexdigest()[:12] for name, content in self._files.items()}

    def url(self, name: str) -> str:
        """Return the address of a file, which changes when the file does."""
        return f"/static/{name}?v={self._versions[name]}"

    def serve(self, name: str, version: str | None) -> Response:
        """Return a file, kept by the browser for a year when asked by the version it has now."""
        content = self._files.get(name)
        if content is None:
            return Response(status_code=404)
        fresh = version == self._versions[name]
        return Response(
            content,
            media_type=_MEDIA_TYPES[Path(name).suffix],
            headers={"Cache-Control": "public, max-age=31536000, immutable" if fresh else "no-cache"},
        )
