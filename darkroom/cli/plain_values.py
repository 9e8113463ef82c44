"""Values of a command line that are taken as they are, so that a program starts sooner.

typer builds a validator of pydantic for every option, given or not. That takes a tenth of a second,
and few options need it.
"""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from types import NoneType, UnionType
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from typer.core import TyperCommand
from typer.models import ParameterInfo

# For the settings of a command's context. That no help is asked for needs no validator either.
NO_HELP = {"default_map": {"help": False}}


class PlainCommand(TyperCommand):
    """A command that leaves values to typer only where something has to be made of them."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.context_settings = NO_HELP | dict(self.context_settings)
        hints = get_type_hints(self.callback, include_extras=True)
        for parameter in self.params:
            _spare(parameter, hints[parameter.name])


def _spare(parameter: Any, hint: Any) -> None:
    """Let a parameter take plain values; one that does more with them is left alone."""
    if get_origin(hint) is not Annotated or parameter.callback is not None:
        return
    kind, *notes = get_args(hint)
    parsers = (note.parser for note in notes if isinstance(note, ParameterInfo))
    if hasattr(parameter, "process_value"):
        taken = partial(_taken, parameter.process_value, kind, next(parsers, None))
        parameter.process_value = taken


def _taken(
    validate: Callable[[Any, Any], Any],
    kind: Any,
    parse: Callable[[str], Any] | None,
    context: Any,
    value: Any,
) -> Any:
    """Return a value of a parameter as its command gets it."""
    if is_plain(value, kind):
        return value
    if parse is not None and isinstance(value, str):
        with suppress(ValueError):  # typer says what is wrong
            return parse(value)
    return validate(context, value)


def is_plain(value: object, kind: Any) -> bool:
    """Whether a value is of its type already.

    >>> is_plain("12", str), is_plain("12", int), is_plain(None, int | None)
    (True, False, True)
    >>> is_plain(("a", "b"), list[str]), is_plain((), list[str]), is_plain((), list[str] | None)
    (True, False, True)
    """
    kinds = get_args(kind) if isinstance(kind, UnionType) else (kind,)
    if list[str] in kinds and isinstance(value, tuple | list):
        return bool(value) or NoneType in kinds
    return isinstance(value, tuple(kind for kind in kinds if isinstance(kind, type)))
