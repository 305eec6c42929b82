"""The LLM gateway: authenticates agents, enforces budgets, puts the vendor's key in, meters.

Run as `python -m pai.gateway --data DATA --worker I --listen HOST:PORT`. Any number of workers
share a port and nothing else.
"""
