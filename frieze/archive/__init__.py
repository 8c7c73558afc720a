"""A wall as a folder: `frieze export` and `frieze import`."""
