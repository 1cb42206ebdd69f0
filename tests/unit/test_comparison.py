"""What is said where files, runner and database differ, and what to type."""

from collections.abc import Mapping

import pytest

from aurora_lambda_runtime.migrations.history.comparison import Comparison
from aurora_lambda_runtime.migrations.history.progress import InterruptedStep
from aurora_lambda_runtime.migrations.history.revisions import RevisionFile

ONE, TWO, THREE = (RevisionFile(f"step {number}", number * 64) for number in "123")
TWO_EDITED = RevisionFile("step 2", "f" * 64)
BOTH = {"0001": ONE, "0002": TWO}
ALL = {**BOTH, "0003": THREE}


def compare(
    files: Mapping[str, RevisionFile],
    image: Mapping[str, RevisionFile],
    *,
    pending: int = 0,
    interrupted: InterruptedStep | None = None,
) -> Comparison:
    """Compare with a database that lacks the last so many revisions of the image."""
    applied = list(image)[: len(image) - pending]
    known = {each: ALL[each] for each in applied}
    return Comparison(files, image, list(image)[len(applied) :], known, applied[-1], interrupted)


@pytest.mark.parametrize(
    ("comparison", "lines"),
    [
        (compare(BOTH, BOTH), []),
        (
            compare(ALL, ALL, pending=2),
            ["0002 step 2, 0003 step 3 are not applied: run `aurora-lambda migrate`"],
        ),
        (
            compare(ALL, BOTH),
            ["0003 step 3 is not deployed: run `aurora-lambda up`, for a stack on AWS `pulumi up`"],
        ),
        (
            compare({**BOTH, "0002": TWO_EDITED}, BOTH, pending=1),
            ["0002 step 2 is not deployed: run `aurora-lambda up`, for a stack on AWS `pulumi up`"],
        ),
        (
            compare(BOTH, ALL),
            [
                "0003 step 3 is applied, and not among your files: get the code that has it, or undo it by"
                " `aurora-lambda migrate downgrade 0002`"
            ],
        ),
        (
            compare(BOTH, ALL, pending=1),
            [
                "0003 step 3 is deployed, and not among your files: run `aurora-lambda up`, for a stack on AWS"
                " `pulumi up`"
            ],
        ),
        (
            compare(BOTH, BOTH, pending=1, interrupted=InterruptedStep("0002", "upgrade", (), frozenset(), "", "")),
            [
                "the upgrade of 0002 step 2 was interrupted: `aurora-lambda migrate` finishes it",
                "0002 step 2 is not applied: run `aurora-lambda migrate`",
            ],
        ),
    ],
)
def test_each_lack_is_named_with_the_command_that_mends_it(comparison: Comparison, lines: list[str]) -> None:
    """A number of pending revisions, or one advice for all cases, sends people in circles."""
    assert comparison.behind() == lines


def test_an_edit_that_is_not_deployed_is_deployed_before_it_is_kept() -> None:
    """A stamp notes what the runner has: without the deployment it would note the old text."""
    files = {**BOTH, "0002": TWO_EDITED}
    assert compare(files, BOTH).edited() == [
        "0002 step 2 was edited after it was applied: restore it and write a new revision, or keep the edit by"
        " `aurora-lambda up` and `aurora-lambda migrate stamp 0002`"
    ]
    assert compare(files, files).edited() == [
        "0002 step 2 was edited after it was applied: restore it and write a new revision, or keep the edit by"
        " `aurora-lambda migrate stamp 0002`"
    ]


def test_an_edit_of_what_is_not_applied_is_none() -> None:
    """A revision may be changed until it has changed a database."""
    assert compare({**BOTH, "0002": TWO_EDITED}, BOTH, pending=1).edited() == []


def test_another_branchs_revision_of_the_same_number_is_no_edit() -> None:
    """The advice to keep the edit by a stamp would lose the other branch's column, or one's own, for good."""
    files = {**BOTH, "0002": RevisionFile("add age", "a" * 64)}
    other = (
        "revision 0002 is 'step 2' in the database and 'add age' here: another branch's revision has this number."
        " Get that branch's code, then move yours behind it by `aurora-lambda new-migration --renumber`"
    )
    assert (compare(files, files).replaced(), compare(files, files).edited()) == ([other], [])
    assert compare(BOTH, BOTH).replaced() == []


def test_ones_own_revision_under_its_former_number_is_undone_before_the_others_are_applied() -> None:
    """Who has moved theirs behind another branch's is told to do it again, which changes nothing of the database."""
    age, city = RevisionFile("add age", "a" * 64), RevisionFile("add city", "c" * 64)
    files = {"0001": ONE, "0002": age, "0003": city, "0004": RevisionFile(TWO.message, "4" * 64)}
    files["0005"] = RevisionFile(THREE.message, "5" * 64)
    applied = {"0001": ONE, "0002": TWO, "0003": THREE}
    lines = Comparison(files, files, ["0004", "0005"], applied, "0003", None).replaced()
    undo = (
        "deploy the code of before it was moved, type `aurora-lambda migrate downgrade 0001` and deploy this code; or"
        " delete the data here by `aurora-lambda down`"
    )
    assert lines == [
        f"revision 0002 is 'step 2' in the database and 'add age' here, where 'step 2' is 0004 now: {undo}",
        f"revision 0003 is 'step 3' in the database and 'add city' here, where 'step 3' is 0005 now: {undo}",
    ]
    first = Comparison({"0001": age, "0002": ONE}, {}, [], {"0001": ONE}, "0001", None).replaced()
    assert "`aurora-lambda migrate downgrade base`" in first[0]
