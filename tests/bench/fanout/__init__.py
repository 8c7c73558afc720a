"""`script/bench fanout`: what one delivery costs, and that none is lost, beside bare writes and ActiveMQ.

`viewers` is the loader (a process of its own), `loader` its handle, `publisher` sends the messages, `bare` and
`alone` are server processes, `servers` starts them. `deliveries`, `idle`, `coming`, `storm`, `upstream` are the parts;
`plot` draws the figures.
"""
