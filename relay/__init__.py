"""Moves messages to browsers: one topic, very many viewers, no task and no queue per viewer.

`ring` keeps the last messages of a topic; `seats`, `audience`, `topic` and `hub` decide who gets which of them when,
`credit` how many before an acknowledgement, `pace` what slow ones are given, `wheel` who is due for a look; these
have no socket in them and take the clock as an argument. `framing` is WebSocket's frames, `deflate` their
compression, `viewer` one STOMP connection, `websocket` and `tcp` its two transports, `stream` the same events over
HTTP, `server` the whole. `rights` says who may read what, `visibility` which walls are secret, `origins` which pages
may connect, `metrics` what an administrator sees of it all.
"""
