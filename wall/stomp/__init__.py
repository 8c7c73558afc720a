"""STOMP as a plain object: bytes in, events out; frames in, bytes out. No socket, no clock.

`frames` holds one frame and its escaping, `codec` turns bytes into frames and back within limits, `session` is the
server's side of one connection, `events` what it tells its caller, `transactions` what waits for COMMIT, `errors` every
numbered way in which it can end.
"""
