"""The thinking for an engine that runs one container at a time: every gate is ours."""
