"""Making fixes: from what a page says of its fix to edits of the file."""
