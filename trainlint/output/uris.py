"""Paths as URIs (RFC 3986): every byte of a file name survives."""

from __future__ import annotations

from urllib.parse import quote

from trainlint.discovery.paths import posix_form


def relative_uri(path: str) -> str:
    """The relative reference of a relative POSIX path; a colon in its first part makes it no scheme."""
    return _quoted(path, "/")


def file_uri(path: str) -> str:
    """The `file:` URI of an absolute path."""
    posix = posix_form(path)
    if posix.startswith("//"):
        return "file:" + _quoted(posix, "/")
    return "file://" + ("" if posix.startswith("/") else "/") + _quoted(posix, "/:")


def _quoted(path: str, safe: str) -> str:
    """Percent-encoded as the file system has the name; bytes that are no UTF-8 stand as surrogates in it."""
    try:
        name = path.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        name = path.encode("utf-8", "surrogatepass")
    return quote(name, safe=safe)
