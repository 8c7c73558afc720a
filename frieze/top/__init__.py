"""`frieze top`: the relays of an installation, live in a terminal."""
