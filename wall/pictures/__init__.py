"""What bytes really are, and renditions made of them.

`studio` is the only module others call; it starts `worker` processes, which measure (`sniff`) and then render
(`render`) one picture at a time. Nothing in the calling process decodes a stranger's bytes.
"""
