"""A stage for end-to-end tests: an internet of our own, and platforms that live on it."""
