"""STOMP as a plain object: bytes in, events out; frames in, bytes out. No socket, no clock.

`frames` holds one frame and its escaping, `codec` turns bytes into frames and back within limits, `session` is the
server's side of one connection, `errors` every numbered way in which it can end.
"""
