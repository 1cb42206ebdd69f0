"""Differences between a person's files, the runner's image and the database, in words with what to type."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from aurora_lambda_runtime.migrations.history.checksums import MAX_MESSAGE
from aurora_lambda_runtime.migrations.history.progress import InterruptedStep
from aurora_lambda_runtime.migrations.history.revisions import RevisionFile


@dataclass(frozen=True)
class Comparison:
    """The revisions of the three, by id.

    Attributes:
        files: those of whoever asks.
        image: those that the runner can apply.
        pending: those of the image that the database lacks.
        applied: what was applied, as far as the database knows it.
        version: the revision that the database is at.
        interrupted: the step that a run began and did not finish.
    """

    files: Mapping[str, RevisionFile]
    image: Mapping[str, RevisionFile]
    pending: Sequence[str]
    applied: Mapping[str, RevisionFile]
    version: str | None
    interrupted: InterruptedStep | None

    def behind(self) -> list[str]:
        """Return a line for each way in which one of the three lacks what another has."""
        changed = [each for each in self.pending if each in self.files and self.files[each] != self.image[each]]
        undeployed = [*changed, *(each for each in self.files if each not in self.image)]
        applied = [each for each in self.image if each not in self.pending]
        foreign = [each for each in applied if each not in self.files]
        unwanted = [each for each in self.pending if each not in self.files]
        unapplied = [each for each in self.pending if each not in [*changed, *unwanted]]
        before = max((each for each in applied if each not in foreign), key=int, default="base")
        return [
            *self._interrupted(),
            *self._line(unapplied, "not applied: run `aurora-lambda migrate`"),
            *self._line(undeployed, "not deployed: run `aurora-lambda up`, for a stack on AWS `pulumi up`"),
            *self._line(
                foreign,
                "applied, and not among your files: get the code that has it, or undo it by"
                f" `aurora-lambda migrate downgrade {before}`",
            ),
            *self._line(
                unwanted,
                "deployed, and not among your files: run `aurora-lambda up`, for a stack on AWS `pulumi up`",
            ),
        ]

    def replaced(self) -> list[str]:
        """Return a line for each applied revision that is another one than the file of its number."""
        others = [each for each, file in self.files.items() if self._is_other(each, file)]
        before = max((each for each in self.files if others and int(each) < int(others[0])), key=int, default="base")
        return [
            f"revision {each} is {self.applied[each].message!r} in the database and {self.files[each].message!r} here"
            + self._remedy(each, before)
            for each in others
        ]

    def edited(self) -> list[str]:
        """Return a line for each applied revision whose file is not what was applied."""
        return [
            f"{self._name(each)} was edited after it was applied: restore it and write a new revision, or keep the edit"
            f" by {'' if self.image.get(each) == file else '`aurora-lambda up` and '}"
            f"`aurora-lambda migrate stamp {self.version}`"
            for each, file in self.files.items()
            if self._differs(each, file) and not self._is_other(each, file)
        ]

    def _remedy(self, revision: str, before: str) -> str:
        """Return what to do where the database has another revision of this number, and `before` is what both have."""
        message = self.applied[revision].message
        if moved := [each for each, file in self.files.items() if file.message[:MAX_MESSAGE] == message]:
            return (
                f", where {message!r} is {moved[0]} now: deploy the code of before it was moved, type `aurora-lambda"
                f" migrate downgrade {before}` and deploy this code; or delete the data here by `aurora-lambda down`"
            )
        return (
            ": another branch's revision has this number. Get that branch's code, then move yours behind it by"
            " `aurora-lambda new-migration --renumber`"
        )

    def _differs(self, revision: str, file: RevisionFile) -> bool:
        applied = self.applied.get(revision)
        return applied is not None and revision not in self.pending and applied.checksum != file.checksum

    def _is_other(self, revision: str, file: RevisionFile) -> bool:
        """Return whether the database has another revision of this number; an edit leaves the message as it is."""
        known = self.applied[revision].message if self._differs(revision, file) else ""
        return known not in ("", file.message[:MAX_MESSAGE])

    def _interrupted(self) -> Iterator[str]:
        if step := self.interrupted:
            name = self._name(step.revision)
            yield f"the {step.direction} of {name} was interrupted: `aurora-lambda migrate` finishes it"

    def _line(self, revisions: Sequence[str], state: str) -> Iterator[str]:
        if revisions:
            yield f"{', '.join(map(self._name, revisions))} {'is' if len(revisions) == 1 else 'are'} {state}"

    def _name(self, revision: str) -> str:
        return f"{revision} {(self.files.get(revision) or self.image[revision]).message}".rstrip()
