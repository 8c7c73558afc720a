"""The command line and the composition roots: which parts run in this process."""
