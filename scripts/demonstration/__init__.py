"""`make demo`: start the platform, run the quickstart agent on it, show what it did."""
