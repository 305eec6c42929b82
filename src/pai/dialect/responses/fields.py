"""What each field of a request is to one who routes or translates it. Tables, and nothing else.

Source: https://platform.openai.com/docs/api-reference/responses/create
"""

PATHS_OF_STORED_STATE = (b"/conversations", b"/responses")
"""Paths below the API's base at which the vendor keeps earlier answers: they, and all under them.

`POST /responses` itself is no such path.
"""

SERVED = frozenset(
    {
        "include",
        "input",
        "instructions",
        "max_output_tokens",
        "model",
        "parallel_tool_calls",
        "reasoning",
        "store",
        "stream",
        "temperature",
        "text",
        "tool_choice",
        "tools",
        "top_logprobs",
        "top_p",
        "truncation",
    }
)
"""Fields that have a meaning in any dialect."""

ADVISORY = frozenset(
    {
        "access_programs",
        "background_options",
        "client_metadata",
        "context_management",
        "image",
        "max_tool_calls",
        "metadata",
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "safety_identifier",
        "service_tier",
        "stream_options",
        "user",
    }
)
"""Fields that may be left out of a translation. `max_tool_calls` counts the vendor's own tools."""

STATEFUL = ("previous_response_id", "conversation", "prompt")
"""Fields that name what the vendor has stored."""

NOT_SERVED = {
    "models": "another model could answer than the one that was allowed; send 'model'",
    "preset": "a preset may name another model; send 'model'",
}
"""Fields of look-alikes that would get past what was allowed."""

NAMES = frozenset({*SERVED, *ADVISORY, *STATEFUL, *NOT_SERVED, "background", "moderation"})
