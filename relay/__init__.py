"""Everything that moves bytes to and from browsers: the topic's fan-out and the media."""
