"""`script/bench media`: what pictures and videos cost on their way out and in, beside nginx and vipsthumbnail.

`alone` is the relay's own process, `place` starts it in front of a store, `proxies` are the nginx beside it and the one
that stands in for Swift; `readers` and `guests` are who takes bytes and who sends them. `streaming`, `herd`, `uploads`,
`renditions`, `hostile` are the parts; `plot` draws their figures.
"""
