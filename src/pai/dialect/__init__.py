"""Vendors' wire formats: requests, usage, streams, errors. Pure: bytes in, bytes out.

Called by the gateway.
"""
