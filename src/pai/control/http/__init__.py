"""The API for people and their tools: FastAPI behind `guard`, one file a group of calls."""
