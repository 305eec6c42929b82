"""Programs that use real SDKs, unchanged, and print what they got as JSON. No test code.

Each does the same tasks with every model that it is given: `BASE TOKEN MODEL...`.
"""
