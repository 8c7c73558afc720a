"""Our side of a broker: addresses, the strict stomp.py wrapper, and the publisher of the event log."""
