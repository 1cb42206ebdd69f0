"""Which boxes and arrows a stack is drawn with."""

from aurora_lambda_local.console.pages.picture import ACROSS, WIDTH, Box, arranged, boxes_of
from aurora_lambda_local.resources.state import ResourceLinks, ResourceRecord, StackState

PROJECT = "urn:pulumi:local::shop::"
STACK, LIVE = f"{PROJECT}pulumi:pulumi:Stack::shop-local", f"{PROJECT}pulumi:pulumi:StackReference::live"


def urn(kind: str, name: str) -> str:
    return f"{PROJECT}pulumi:pulumi:Stack${kind}::{name}"


DATABASE, IMAGE, HANDLER = (urn(f"a:index:{kind}", name) for kind, name in (("Db", "db"), ("Image", "i"), ("Fn", "h")))
CLUSTER, FUNCTION, INNER = (
    f"{PROJECT}{each}" for each in ("Db$c:Cluster::db", "Fn$l:Function::h", "Fn$Log$g:Group::h")
)
LOG = f"{PROJECT}Fn$a:index:Log::h"
BUCKET = urn("s3:Bucket", "files")


def stack() -> StackState:
    """A function that needs an image and a database, which needs the image too; and a bucket in no component."""
    links = {
        STACK: ("", []),
        LIVE: (STACK, []),
        DATABASE: (STACK, []),
        CLUSTER: (DATABASE, [IMAGE, LIVE]),
        IMAGE: (STACK, []),
        HANDLER: (STACK, []),
        LOG: (HANDLER, []),
        INNER: (LOG, []),
        FUNCTION: (HANDLER, [CLUSTER, IMAGE, INNER, "urn:gone"]),
        BUCKET: (STACK, []),
    }
    resources = [CLUSTER, FUNCTION, INNER, BUCKET]
    return StackState(
        {each: ResourceRecord("t", "n", "i", "d") for each in resources},
        links={each: ResourceLinks(parent=parent, dependencies=needs) for each, (parent, needs) in links.items()},
    )


def test_a_component_is_a_box_with_all_that_is_in_it() -> None:
    """Sixty resources and their arrows would hide the five that a person thinks of."""
    assert {box.name: (box.kind, box.resources) for box in boxes_of(stack()).values()} == {
        "db": ("Db", [CLUSTER]),
        "i": ("Image", []),
        "h": ("Fn", [INNER, FUNCTION]),
        "files": ("Bucket", [BUCKET]),
    }


def test_a_long_name_stays_within_its_box() -> None:
    """A table is called by project, stack and its own name, and ran across the arrows beside it."""
    labels = [Box(urn("a:index:Table", name)).label for name in ("shop-local-clicks", "bookings-local-visits")]
    assert labels == ["shop-local-clicks", "bookings-local-vi…"]


def test_an_arrow_that_another_way_implies_is_left_out() -> None:
    """Arrows across all boxes would hide the order in which things are made."""
    assert {box.name: box.needs for box in boxes_of(stack()).values()} == {
        "db": {IMAGE},
        "i": set(),
        "h": {DATABASE},
        "files": set(),
    }


def test_boxes_stand_to_the_right_of_what_they_need() -> None:
    """An arrow would go backwards, or two boxes lie on each other."""
    boxes = arranged(boxes_of(stack()))
    assert [boxes[each].x // (WIDTH + ACROSS) for each in (IMAGE, DATABASE, HANDLER, BUCKET)] == [0, 1, 2, 2]
    assert len({(box.x, box.y) for box in boxes.values()}) == 4


def test_what_needs_itself_by_another_is_drawn_all_the_same() -> None:
    """A page would never come: a program's components can depend on each other's resources in a circle."""
    state = stack()
    state.links[CLUSTER]["dependencies"].append(FUNCTION)
    assert len(arranged(boxes_of(state))) == 4
