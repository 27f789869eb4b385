"""Writing changed texts back to their files, as they were written: suppressions and fixes share it."""
