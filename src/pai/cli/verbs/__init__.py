"""One module a group of verbs. Each has `register(app)`; a verb parses, calls, prints."""
