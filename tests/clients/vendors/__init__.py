"""Fakes of the vendors' APIs, as strict as the real ones. Run in the clients' environment.

`python -m tests.clients.vendors openai=PORT anthropic=PORT gemini=PORT openrouter=PORT`
"""
