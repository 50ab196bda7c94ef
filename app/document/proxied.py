from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
from PySide6.QtCore import QObject, Signal

from app.document import shaping
from app.document.posed import PosedState
from app.document.posing import WHOLE_BODY
from app.document.sculpting import Sculpting
from app.document.state import State, same
from qnerf_core.body.pose import BodyPose
from qnerf_core.errors import ProxyError, SettingsError
from qnerf_core.proxy.model import DepthProxy, PartKind, ProxyPart
from qnerf_core.scene.capture import ControlKind

NO_PROXY = DepthProxy()


class ProxiedState(PosedState):
    """The two depth proxies of the document and all that can be done with them.

    `posed` says which of them is edited, as for poses.
    """

    partsSelected = Signal()
    snappingChanged = Signal()

    def __init__(self, state: State, parent: QObject | None = None) -> None:
        super().__init__(state, parent)
        self.snap_to_floor = True
        self._chosen: tuple[str, ...] = ()
        self._proxy_drag: tuple[DepthProxy, str] | None = None

    @property
    def control(self) -> ControlKind:
        """What shapes the subject of the capture: a body's pose, or a depth proxy."""
        return self._state.control

    @property
    def can_choose_control(self) -> bool:
        """A capture that brings poses or proxies, and pictures made for one of them, says itself what shapes it."""
        return self._opened is not None and self._opened.capture is None

    def set_control(self, control: ControlKind) -> None:
        """Another way to shape the subject; what was made in the other way is kept. [undo]"""
        if not self.can_choose_control:
            raise SettingsError(
                "How this subject is shaped cannot be changed",
                "its capture brings poses or proxies of its own",
                "Open the pictures alone: a copy of the folder without capture.json.",
            )
        changes: dict[str, Any] = {"control": control}
        if control == "depth" and self._state.source_proxy is None:
            changes |= {"source_proxy": NO_PROXY, "target_proxy": NO_PROXY}
        self._push_change(f"Shape by a {'body' if control == 'skeleton' else 'proxy'}", **changes)

    @property
    def source_proxy(self) -> DepthProxy:
        return self._state.source_proxy or NO_PROXY

    @property
    def target_proxy(self) -> DepthProxy:
        return self._state.target_proxy or NO_PROXY

    @property
    def proxy(self) -> DepthProxy:
        """The proxy that is being edited: the target's, or the source's while that is chosen."""
        return self.target_proxy if self.posed == "target" else self.source_proxy

    @property
    def reference_proxy(self) -> DepthProxy:
        """What resetting brings back: the target goes back to the source, the source to what the capture says."""
        if self.posed == "target":
            return self.source_proxy
        return (self._opened.source_proxy if self._opened else None) or NO_PROXY

    @property
    def source_subject(self) -> BodyPose | DepthProxy:
        return self.source_pose if self.control == "skeleton" else self.source_proxy

    @property
    def target_subject(self) -> BodyPose | DepthProxy:
        return self.target_pose if self.control == "skeleton" else self.target_proxy

    @property
    def source_is_own(self) -> bool:
        if self.control == "skeleton":
            return super().source_is_own
        return self._opened is None or not same(self.source_proxy, self._opened.source_proxy)

    @property
    def edit_names(self) -> tuple[str, ...]:
        if self._opened is None:
            return ()
        return tuple(self._opened.edit_poses if self.control == "skeleton" else self._opened.edit_proxies)

    @cached_property
    def sculpting(self) -> Sculpting:
        return Sculpting(self)

    # ---- what is selected

    @property
    def selected_parts(self) -> tuple[str, ...]:
        """The parts that tools work on, the one chosen last at the end."""
        names = self.proxy.names
        return tuple(name for name in self._chosen if name in names)

    @property
    def active_part(self) -> ProxyPart | None:
        chosen = self.selected_parts
        return self.proxy.part(chosen[-1]) if chosen else None

    def select_parts(self, names: Iterable[str]) -> None:
        wanted = tuple(dict.fromkeys(name for name in names if name in self.proxy.names))
        if wanted != self._chosen:
            self.finish_change()
            self._chosen = wanted
            self.partsSelected.emit()

    def select_all_parts(self) -> None:
        self.select_parts(self.proxy.names)

    # ---- dragging [undo: one command at the end]

    @property
    def is_dragging(self) -> bool:
        return super().is_dragging or self._proxy_drag is not None

    def begin_proxy_drag(self, text: str) -> None:
        self.end_drag()
        self._proxy_drag = self.proxy, text

    def drag_proxy(self, proxy: DepthProxy) -> None:
        if self._proxy_drag is not None:
            self._show(self._with_proxy(proxy))

    def end_drag(self) -> None:
        super().end_drag()
        if self._proxy_drag is not None:
            (start, text), self._proxy_drag = self._proxy_drag, None
            self._push_proxy(start, self.proxy, text)

    def cancel_drag(self) -> None:
        super().cancel_drag()
        if self._proxy_drag is not None:
            (start, _), self._proxy_drag = self._proxy_drag, None
            self._show(self._with_proxy(start))

    # ---- proxies [undo]

    def set_proxy(self, proxy: DepthProxy, text: str, merge: str = "") -> None:
        """Of the proxy that is being edited. Changes of one `merge` key are one command until `finish_change`."""
        self.end_drag()
        if self.source_proxy.parts:
            self._push_proxy(self.proxy, proxy, text, merge)
        else:
            # The first there is says what the photos show; the edit starts from it.
            self.set_both_proxies(proxy, text)

    def set_target_proxy(self, proxy: DepthProxy, text: str) -> None:
        self._push_change(text, target_proxy=proxy)

    def set_both_proxies(self, proxy: DepthProxy, text: str) -> None:
        """A new description of the subject in the pictures, which the edit starts from."""
        self._push_change(text, source_proxy=proxy, target_proxy=proxy)

    def apply_edit(self, name: str, part: str = WHOLE_BODY) -> None:
        if self.control == "skeleton":
            super().apply_edit(name, part)
            return
        if self._opened is None or name not in self._opened.edit_proxies:
            raise SettingsError(f"There is no edit named {name!r}", "", "Choose one that the capture brings.")
        self.set_target_proxy(self._opened.edit_proxies[name], f"Apply {name}")

    def reset_parts(self) -> None:
        """The selected parts as the reference has them; all of them if none is selected."""
        chosen = self.selected_parts
        if not chosen:
            self.reset_proxy()
            return
        self.set_proxy(shaping.restored(self.proxy, self.reference_proxy, chosen), f"Reset {shaping.words(chosen)}")

    def reset_proxy(self) -> None:
        self.set_proxy(self.reference_proxy, "Reset proxy")

    def add_part(self, kind: PartKind) -> None:
        """A solid that stands on what is there."""
        assert self._opened is not None
        part = shaping.new_part(self.proxy, kind, self._opened.scene, self.floor)
        self.set_proxy(self.proxy.with_part(part), f"Add {kind}")
        self.select_parts([part.name])

    def add_parts(self, parts: Iterable[ProxyPart], text: str) -> None:
        proxy, names = self.proxy, []
        for part in parts:
            named = part.replaced(name=proxy.free_name(part.name))
            proxy = proxy.with_part(named)
            names.append(named.name)
        self.set_proxy(proxy, text)
        self.select_parts(names)

    def duplicate_parts(self) -> bool:
        """True if there is something to move now."""
        chosen = self.selected_parts
        if chosen:
            copies = [self.proxy.part(name) for name in chosen]
            self.add_parts(copies, f"Duplicate {shaping.words(chosen)}")
        return bool(chosen)

    def delete_parts(self) -> None:
        chosen = self.selected_parts
        if chosen:
            self.set_proxy(self.proxy.without(chosen), f"Delete {shaping.words(chosen)}")
            self.partsSelected.emit()

    def group_parts(self) -> None:
        chosen = self.selected_parts
        if len(chosen) > 1:
            self.set_proxy(self.proxy.grouped(chosen, shaping.free_group(self.proxy)), f"Group {shaping.words(chosen)}")

    def ungroup_parts(self) -> None:
        chosen = self.selected_parts
        if chosen:
            self.set_proxy(self.proxy.grouped(chosen, ""), f"Ungroup {shaping.words(chosen)}")

    def rename_part(self, name: str, wanted: str) -> None:
        wanted = wanted.strip()
        if not wanted or wanted == name:
            return
        if wanted in self.proxy.names:
            raise ProxyError(f"There is a part named {wanted!r} already", "", "Choose another name.")
        parts = tuple(part.replaced(name=wanted) if part.name == name else part for part in self.proxy.parts)
        self.set_proxy(replace(self.proxy, parts=parts), f"Rename {name}")
        self.select_parts([wanted if chosen == name else chosen for chosen in self._chosen])

    def parts_to_floor(self) -> None:
        chosen = self.selected_parts
        if chosen:
            height = float(self.proxy.box(chosen)[0, 2]) - self.floor
            moved = self.proxy.moved(chosen, np.array([0.0, 0.0, -height]))
            self.set_proxy(moved, f"Put {shaping.words(chosen)} on the floor")

    def set_part(self, part: ProxyPart, text: str, merge: str = "") -> None:
        """Replaces the part of the same name."""
        self.set_proxy(self.proxy.with_part(part), text, f"{merge} of {part.name}" if merge else "")

    def set_blend(self, blend: float) -> None:
        self.set_proxy(replace(self.proxy, blend=blend), "Change blending", "blend")

    def set_snap_to_floor(self, snap: bool) -> None:
        if snap != self.snap_to_floor:
            self.snap_to_floor = snap
            self.snappingChanged.emit()

    def replace_part(self, posed: str, name: str, change: Callable[[ProxyPart], ProxyPart]) -> None:
        """For commands that keep a change of one part, not the states around it."""
        proxy = self.source_proxy if posed == "source" else self.target_proxy
        self._restore(self._changed(**{f"{posed}_proxy": proxy.with_part(change(proxy.part(name)))}))

    # ---- commands

    def _with_proxy(self, proxy: DepthProxy) -> State:
        return self._changed(**{f"{self.posed}_proxy": proxy})

    def _push_proxy(self, before: DepthProxy, after: DepthProxy, text: str, merge: str = "") -> None:
        if self.posed == "source":
            text += " (source)"
        key = f"{self.posed} proxy {merge}" if merge else ""
        self._push(text, self._with_proxy(before), self._with_proxy(after), key)

    def _restore(self, state: State) -> None:
        self._proxy_drag = None
        chosen, control = self.selected_parts, self.control
        super()._restore(state)
        if self.control != control:
            self.sculpting.leave()
            self.show_both = self.control == "depth"
            self.posedChanged.emit()
        if self.selected_parts != chosen:
            self.partsSelected.emit()

    def _restart(self, state: State) -> None:
        self._proxy_drag, self._chosen = None, ()
        self.sculpting.leave()
        # Over the photo the source is what the edit is measured by.
        self.show_both = state.control == "depth"
        super()._restart(state)
