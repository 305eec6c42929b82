"""Pure formatters: what a command shows, as text. They do no I/O and have golden files."""
