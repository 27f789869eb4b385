"""All outlines together: what names mean in the project."""
