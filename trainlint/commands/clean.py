"""`trainlint clean`: delete a project's cache."""

from __future__ import annotations

import os

import click

from trainlint.cache.folder import FolderError, cache_folder
from trainlint.cache.folder import clean as clean_folder
from trainlint.discovery.projects import find_root
from trainlint.output.terminal import visible
from trainlint.settings.file import load_settings, settings_file_in


def delete_cache(path: str, chosen: str | None) -> str:
    """Deletes the cache of the project that a path belongs to and returns what to tell the user.

    Raises click.ClickException for a folder that is no cache of ours, or that cannot be deleted.
    """
    if not os.path.lexists(path):
        raise click.UsageError(f"no such file or folder: {visible(path)}")
    root = find_root(path)
    file = settings_file_in(root)
    wanted = os.path.abspath(chosen) if chosen else None  # noqa: PTH100 - links stay links
    if wanted is None and file is not None:
        wanted = load_settings(file).cache_dir
    folder = cache_folder(str(root), wanted)
    try:
        found = clean_folder(folder)
    except FolderError as error:
        raise click.ClickException(visible(str(error))) from error
    except OSError as error:
        message = f"cannot delete {folder}: {error.strerror or error}"
        raise click.ClickException(visible(message)) from error
    return f"deleted {visible(str(folder))}\n" if found else f"there is no cache at {visible(str(folder))}\n"
