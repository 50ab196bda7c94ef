"""Which keys do what: the table's, unless the user chose others."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtGui import QKeySequence

from app.shell import settings
from app.shell.actions import Action

_PORTABLE = QKeySequence.SequenceFormat.PortableText


def normal(keys: str) -> str:
    return QKeySequence(keys).toString(_PORTABLE)


def shortcut_of(action: Action) -> str:
    chosen = settings.store().value(f"shortcuts/{action.id}")
    return normal(action.keys) if chosen is None else str(chosen)


def set_shortcut(action: Action, keys: str) -> None:
    """Remember the keys ("" for none) if they differ from the table's."""
    store, keys = settings.store(), normal(keys)
    if keys == normal(action.keys):
        store.remove(f"shortcuts/{action.id}")
    else:
        store.setValue(f"shortcuts/{action.id}", keys)


def clash(one: Action, other: Action) -> bool:
    """Whether one key cannot serve both: what works in the whole window also works in a panel."""
    return one.id != other.id and (one.scope == other.scope or "window" in (one.scope, other.scope))


def conflict(action: Action, keys: str, chosen: dict[str, str], table: Iterable[Action]) -> Action | None:
    """The action that has these keys already, with the shortcuts as `chosen` by id."""
    wanted = normal(keys)
    if not wanted:
        return None
    return next((other for other in table if clash(action, other) and chosen.get(other.id) == wanted), None)


def shown(keys: str) -> str:
    return QKeySequence(keys).toString(QKeySequence.SequenceFormat.NativeText)
