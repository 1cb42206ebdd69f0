"""Finding a Docker client that can build, and what people are told when there is none or a build fails."""

from pathlib import Path

import pytest

from aurora_lambda_local.runtimes.docker_engine import JOIN_GROUP, DockerEngine, DockerUnavailableError, failing_step

INSTALL = "on Debian or Ubuntu, apt-get install docker.io; elsewhere see https://docs.docker.com/engine/install/"


def client(folder: Path, version: str, *, plugin: bool = False, answers: bool = True) -> Path:
    """Write a `docker` program that reports `version`."""
    folder.mkdir()
    program = folder / "docker"
    answer = f'echo "{version} 20.10.24"' if answers else 'echo "Cannot connect to the Docker daemon" >&2; exit 1'
    program.write_text(f'#!/bin/sh\ncase "$1" in version) {answer};; buildx) exit {0 if plugin else 1};; esac\n')
    program.chmod(0o755)
    return program


def path_of(monkeypatch: pytest.MonkeyPatch, *programs: Path) -> None:
    """Let only these be found."""
    monkeypatch.setenv("PATH", ":".join(str(program.parent) for program in programs))


def test_without_docker_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Somebody who types `up --containers` on a bare laptop has to learn what is missing."""
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(DockerUnavailableError) as error:
        DockerEngine.find()

    assert str(error.value) == f"no Docker engine is installed: {INSTALL}"


def test_an_engine_that_does_not_answer_is_named_with_its_own_words(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Installed and not started is the commonest case of all."""
    path_of(monkeypatch, client(tmp_path / "a", "20.10.24", answers=False))

    with pytest.raises(DockerUnavailableError) as error:
        DockerEngine.find()

    assert str(error.value) == (
        f"the Docker engine does not answer (Cannot connect to the Docker daemon): start it, or {INSTALL}"
    )


def test_who_may_not_use_the_engine_is_told_of_its_group(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Starting an engine that runs, or installing it again, would not help."""
    program = client(tmp_path / "a", "20.10.24", answers=False)
    program.write_text(program.read_text().replace("Cannot connect to the Docker daemon", "permission denied"))
    path_of(monkeypatch, program)

    with pytest.raises(DockerUnavailableError) as error:
        DockerEngine.find()

    assert str(error.value) == f"the Docker engine does not answer (permission denied): {JOIN_GROUP}"


def test_a_client_that_cannot_build_is_passed_over_for_one_that_can(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Newer clients build only with a plugin, and often stand before an older one that needs none."""
    newer, older = client(tmp_path / "a", "28.2.2"), client(tmp_path / "b", "20.10.24")
    path_of(monkeypatch, newer, older)

    assert DockerEngine.find() == DockerEngine(older)


def test_a_newer_client_with_its_plugin_is_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The usual installation of today."""
    newer = client(tmp_path / "a", "28.2.2", plugin=True)
    path_of(monkeypatch, newer)

    assert DockerEngine.find() == DockerEngine(newer)


def test_a_client_that_cannot_build_names_the_plugin(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Docker's own message comes minutes later, in the middle of a deployment."""
    newer = client(tmp_path / "a", "28.2.2")
    path_of(monkeypatch, newer)

    with pytest.raises(DockerUnavailableError) as error:
        DockerEngine.find()

    assert str(error.value) == (f"{newer} cannot build images: install its buildx plugin (docker-buildx), or {INSTALL}")


def test_a_failed_step_is_shown_with_what_it_printed() -> None:
    """The transcript of a build is hundreds of lines; these are the ones that matter."""
    output = """\
#4 [builder 1/3] FROM docker.io/library/base
#4 DONE 0.0s

#9 [code 2/2] RUN make
#9 sha256:fd41
#9 0.312 compiling
#7 0.313 somebody else's
#9 0.401 SyntaxError: invalid syntax
#9 ERROR: executor failed running [/bin/sh -c make]: exit code: 1
------
 > [code 2/2] RUN make:
------
executor failed running [/bin/sh -c make]: exit code: 1
"""
    assert failing_step(output) == (
        "[code 2/2] RUN make\n"
        "compiling\n"
        "SyntaxError: invalid syntax\n"
        "executor failed running [/bin/sh -c make]: exit code: 1"
    )


def test_a_failure_without_a_step_is_shown_as_it_is() -> None:
    """A misspelt target fails before any step does."""
    assert failing_step("failed to solve: target stage handlr could not be found\n") == (
        "failed to solve: target stage handlr could not be found"
    )
