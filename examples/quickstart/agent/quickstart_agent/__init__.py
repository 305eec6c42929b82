"""The quickstart agent: reads a text, asks its model, takes a note outside, writes a report.

Nothing in it knows of Pai: the OpenAI SDK as published finds its base URL and key in the
environment, and the notes service is an ordinary HTTPS call with a token from the environment.
"""
