"""Values: equal when their parts are. Each request makes a few of them.

A named tuple is made by an interpreted function, whoever calls it; these are made by machine code
where the modules are compiled.
"""


class Value:
    """Parts are set once, by the constructor, and `parts` names them in its order."""

    __slots__ = ()

    def parts(self) -> tuple[object, ...]:
        """Return all parts, in the order of the constructor's arguments."""
        raise NotImplementedError

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Value) and (
            type(self) is type(other) and self.parts() == other.parts()
        )

    def __hash__(self) -> int:
        return hash(self.parts())

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(repr, self.parts()))})"
