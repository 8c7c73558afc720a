"""The sources of this installation, made from its settings."""

# what operators may search; `command` has no searches
NETWORKS = ("x", "folder", "demo")
