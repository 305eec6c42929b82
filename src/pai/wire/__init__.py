"""The proxy kernel: what gateway, sidecar and edge are made of.

A strict HTTP/1.1 server and pooled client as asyncio protocols, TLS both ways, its own DNS client
and responder, a guard over the addresses that may be dialled, tunnels, and the loop around them.
Bytes are judged by pure modules (`grammar`, `framing`, `guard`, `dns.message`, `hello`); the
protocol classes only move them. One task a connection; bodies pass by callbacks.
"""
