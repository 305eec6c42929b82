"""The first step of every replica: redirect rules, ownership of fresh volumes, the run volume.

Runs in our image as root with NET_ADMIN and CHOWN and no other capability, in the network
namespace of the replica, as `python3 -m pai.runtime.prepare`. A plan without rules needs no
privilege: then it runs as any user, and ownership is the engine's. Safe to run again. Loads only
the standard library, msgspec and `pai.ir`, so that it starts quickly.
"""
