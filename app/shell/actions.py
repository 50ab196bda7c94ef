"""What an action is; the table of them is `action_table`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

Scope = Literal["window", "viewport", "gallery"]

MENUS = ("File", "Edit", "Pose", "Proxy", "View", "Run", "Gallery", "Window", "Help")


@dataclass(frozen=True)
class Action:
    """One thing the user can do.

    `call` is "target.method" or "target.method:argument" of what the window registers; `when` lists the conditions
    that must all hold; `checked` names the condition that shows as a tick; `group` starts a new group in menu and
    toolbar; the keys of a scope work while the focus is there.
    """

    id: str
    text: str
    call: str
    keys: str = ""
    icon: str = ""
    tip: str = ""
    when: str = ""
    checked: str = ""
    group: bool = False
    toolbar: bool = False
    menu: str = ""
    scope: Scope = "window"

    @property
    def name(self) -> str:
        return self.text.rstrip(" .")

    @property
    def target(self) -> str:
        return self.call.partition(".")[0]

    @property
    def method(self) -> str:
        return self.call.partition(".")[2].partition(":")[0]

    @property
    def argument(self) -> str | None:
        return self.call.partition(":")[2] or None

    @property
    def conditions(self) -> frozenset[str]:
        return frozenset(self.when.split())


def menu(name: str, *actions: Action, when: str = "", scope: Scope = "window") -> tuple[Action, ...]:
    """The actions with what they have in common; an action's own conditions are added."""
    return tuple(
        replace(action, menu=name, scope=scope, when=f"{when} {action.when}".strip(), group=action.group or not index)
        for index, action in enumerate(actions)
    )
