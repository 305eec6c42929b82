"""Names that the shell completes; no platform, no names, and never an error."""

from pai.errors import PaiError


def context_names(incomplete: str) -> list[str]:
    """Return the names of contexts that begin with `incomplete`."""
    from pai.cli import session

    try:
        names = sorted(session.load_contexts().by_name)
    except PaiError:
        return []
    return [name for name in names if name.startswith(incomplete)]


def agent_names(incomplete: str) -> list[str]:
    """Return the names of agents in the context in use that begin with `incomplete`."""
    from pai.cli import session
    from pai.cli.kinds import AGENT
    from pai.cli.output.resource import name_of

    try:
        with session.connect() as client:
            names = sorted(name_of(item) for item in client.list_all(AGENT.plural)["items"])
    except PaiError:
        return []
    return [name for name in names if name.startswith(incomplete)]


def nouns(incomplete: str) -> list[str]:
    """Return the kinds that begin with `incomplete`, singular."""
    from pai.cli.kinds import NOUNS

    return [noun for noun in NOUNS if noun.startswith(incomplete)]


def nouns_plural(incomplete: str) -> list[str]:
    """Return the kinds that begin with `incomplete`, plural."""
    from pai.cli.kinds import NOUNS_PLURAL

    return [noun for noun in NOUNS_PLURAL if noun.startswith(incomplete)]
