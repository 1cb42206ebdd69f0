"""A picture of the stack: components and the resources in them, with arrows to what needs them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from flask import Blueprint, render_template

from aurora_lambda_local.console.state import console
from aurora_lambda_local.program.progress import display_type
from aurora_lambda_local.resources.state import ResourceLinks, StackState, load_state

pages = Blueprint("picture", __name__)
STACK, REFERENCE = "pulumi:pulumi:Stack", "pulumi:pulumi:StackReference"
WIDTH, HEIGHT, ACROSS, DOWN = 168, 52, 48, 20
# What a box has room for.
LETTERS = 18


@dataclass
class Box:
    """A component, or a resource in none: what is in it, the boxes it needs, and where its upper left corner is."""

    urn: str
    resources: list[str] = field(default_factory=list)
    needs: set[str] = field(default_factory=set)
    x: int = 0
    y: int = 0

    @property
    def name(self) -> str:
        """Its name in the program."""
        return self.urn.rpartition("::")[2]

    @property
    def label(self) -> str:
        """Its name within the box."""
        return self.name if len(self.name) <= LETTERS else f"{self.name[: LETTERS - 1]}…"

    @property
    def kind(self) -> str:
        """Its type, without its package."""
        return type_of(self.urn).rpartition(":")[2]


@pages.get("/picture")
def show() -> str:
    """Draw the stack as the last `up` registered it."""
    state = load_state(console().paths.state).current_stack()
    boxes = arranged(boxes_of(state))
    size = {f"{side}": max((getattr(box, side) for box in boxes.values()), default=0) for side in "xy"}
    names = {urn: (display_type(type_of(urn)), urn.rpartition("::")[2]) for urn in state.resources}
    constants = {"width": WIDTH, "height": HEIGHT, "across": ACROSS, "size": size}
    return render_template("picture.html", boxes=boxes, names=names, **constants)


def type_of(urn: str) -> str:
    """Return a resource's type, without those of its parents."""
    return urn.split("::")[2].rpartition("$")[2]


def boxes_of(state: StackState) -> dict[str, Box]:
    """Return a box for each child of the stack, by its URN, without what only others that it needs need."""
    boxes: dict[str, Box] = {}
    for urn in state.links:
        if type_of(urn) not in (STACK, REFERENCE):
            box = boxes.setdefault(top := _top(urn, state.links), Box(top))
            box.resources += [urn] if urn in state.resources else []
            box.needs |= {_top(each, state.links) for each in state.links[urn]["dependencies"]} - {top}
    for box in boxes.values():
        box.needs &= boxes.keys()
    direct = {
        urn: box.needs - {far for near in box.needs for far in _reached(near, boxes)} for urn, box in boxes.items()
    }
    for urn, box in boxes.items():
        box.needs = direct[urn]
    return boxes


def arranged(boxes: dict[str, Box]) -> dict[str, Box]:
    """Place boxes in columns, each as far to the right as what needs it allows, and near to that in height."""
    users = {urn: [user for user, box in boxes.items() if urn in box.needs] for urn in boxes}
    columns: defaultdict[int, list[str]] = defaultdict(list)
    for urn in boxes:
        columns[_columns_after(urn, users)].append(urn)
    for number, column in sorted(columns.items()):
        column.sort(key=lambda urn: sum(boxes[each].y for each in users[urn]) / max(len(users[urn]), 1))
        for place, urn in enumerate(column):
            boxes[urn].x, boxes[urn].y = (max(columns) - number) * (WIDTH + ACROSS), place * (HEIGHT + DOWN)
    return boxes


def _top(urn: str, links: Mapping[str, ResourceLinks]) -> str:
    """Return the ancestor of a resource that is a child of the stack."""
    parent = links[urn]["parent"] if urn in links else ""
    return urn if not parent or type_of(parent) == STACK else _top(parent, links)


def _reached(urn: str, boxes: Mapping[str, Box], seen: frozenset[str] = frozenset()) -> set[str]:
    """Return what a box needs, directly or not."""
    needs = boxes[urn].needs - seen
    return needs.union(*(_reached(each, boxes, seen | needs) for each in needs))


def _columns_after(urn: str, users: Mapping[str, Sequence[str]], seen: frozenset[str] = frozenset()) -> int:
    """Return how many boxes come after one, on the longest way."""
    return max((1 + _columns_after(each, users, seen | {urn}) for each in users[urn] if each not in seen), default=0)
