"""What the platform remembers: resources, sealed secrets, events, audit, tokens.

`protocol.Store` is the door; `sqlite.SqliteStore` keeps everything in one file for one machine.
A write is on disk before its call returns. Used by `pai.control`; nothing else opens the file.
"""
