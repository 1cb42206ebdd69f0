"""What an image asks the registry and the Docker engine for, and when it is built again."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from docker.utils.build import exclude_paths

from aurora_lambda import LambdaImage
from aurora_lambda.build_context import context_files, source_digest
from aurora_lambda.image import LambdaImageArgs
from aurora_lambda.project import Project
from aurora_lambda.service.image_context import write_context
from tests.components.conftest import Stack
from tests.components.recording import CONTEXT, SECRET_MARK, STACKS_FOLDER, record
from tests.components.tokens import FUNCTION, IMAGE, LIFECYCLE_POLICY, REPOSITORY, REPOSITORY_POLICY

ROOT = STACKS_FOLDER.parent
LABELS = {"SERVICE": "aurora-lambda", "VERSION": Project.find(STACKS_FOLDER).version, "LICENSES": "Apache-2.0"}


@pytest.mark.parametrize("target", ["handler", "migrations"])
def test_an_image_is_built_from_its_own_files_and_pushed_under_their_digest(stack: Stack, target: str) -> None:
    """An image would be built when nothing in it changed, or not be built when something did."""
    recording = stack()
    context = f"../.aurora-lambda/{target}"
    settings = {**LABELS, "target": target, "platform": "linux/arm64"}
    digest = source_digest(STACKS_FOLDER / context, STACKS_FOLDER / context / "Dockerfile", settings)
    repository_url = recording.output(REPOSITORY, target, "repositoryUrl")
    assert recording.inputs(IMAGE, target) == {
        "imageName": f"{repository_url}:{digest}",
        "build": {
            "context": context,
            "dockerfile": f"{context}/Dockerfile",
            "target": target,
            "platform": "linux/arm64",
            "args": {**LABELS, "SOURCE_DIGEST": digest},
        },
        "registry": {
            "server": "123456789012.dkr.ecr.eu-west-1.amazonaws.com",
            "username": "AWS",
            "password": "registry-password",
        },
        "buildOnPreview": False,
        "skipPush": False,
    }


@pytest.mark.parametrize(
    ("package", "said"),
    [
        ('version = "1.4.0"\nlicense = "MIT"', ("1.4.0", "MIT")),
        ('dynamic = ["version"]\nlicense = {file = "LICENSE"}', ("", "")),
        ("", ("", "")),
    ],
)
def test_a_projects_version_and_licence_are_those_of_its_package(
    tmp_path: Path, package: str, said: tuple[str, str]
) -> None:
    """An image's label would name a file, or another project's version."""
    (tmp_path / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    (tmp_path / "pyproject.toml").write_text(f'[project]\nname = "shop"\n{package}\n')
    project = Project.find(tmp_path)
    assert (project.version, project.licence) == said


def test_the_registry_login_is_a_secret(stack: Stack) -> None:
    """The stack's state would hold a registry password in plain."""
    registry = stack().resource(IMAGE, "handler").wire["registry"]
    assert SECRET_MARK in registry["password"].values()
    assert SECRET_MARK in registry["username"].values()


def test_the_repository_is_scanned_tidy_and_takes_a_tag_again(stack: Stack) -> None:
    """Old images would pile up and cost, or a second machine, a rollback or a broken push would be refused."""
    recording = stack(keepImages="3")
    assert recording.inputs(REPOSITORY, "handler") == {
        "imageTagMutability": "MUTABLE",
        "imageScanningConfiguration": {"scanOnPush": True},
        "encryptionConfigurations": [{"encryptionType": "AES256"}],
        "forceDelete": True,
        "tags": {"project": "aurora-lambda", "stack": "dev", "Name": "handler"},
    }
    policy = recording.inputs(LIFECYCLE_POLICY, "handler")
    assert policy["repository"] == recording.output(REPOSITORY, "handler", "name")
    assert json.loads(policy["policy"]) == {
        "rules": [
            {
                "rulePriority": 1,
                "description": "Keep the newest 3 images",
                "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 3},
                "action": {"type": "expire"},
            }
        ]
    }


def test_only_lambda_functions_of_this_account_and_region_are_given_the_image(stack: Stack) -> None:
    """Lambda would be refused the image, or would hand it to functions of other accounts."""
    recording = stack()
    policy = recording.inputs(REPOSITORY_POLICY, "handler")
    assert policy["repository"] == recording.output(REPOSITORY, "handler", "name")
    assert json.loads(policy["policy"])["Statement"] == [
        {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
            "Condition": {"StringLike": {"aws:SourceArn": "arn:aws:lambda:eu-west-1:123456789012:function:*"}},
        }
    ]
    assert recording.resource(REPOSITORY_POLICY, "handler").urn in recording.resource(FUNCTION, "handler").dependencies


def test_a_repository_that_would_keep_its_images_is_protected(stack: Stack) -> None:
    """A destroy would delete the functions and the database before AWS refuses to delete the repository."""
    assert stack(forceDelete="false").resource(REPOSITORY, "handler").protect is True
    assert stack().resource(REPOSITORY, "handler").protect is False


def test_two_machines_register_the_same_image(tmp_path: Path) -> None:
    """Each would undo what the other has deployed: git checks files out with the modes of the umask."""
    checkout = tmp_path / "checkout"
    shutil.copytree(CONTEXT, checkout)
    args: LambdaImageArgs = {
        "context": str(checkout),
        "dockerfile": str(checkout / "Dockerfile"),
        "target": "handler",
    }
    registered = []
    for file_mode, folder_mode in ((0o644, 0o755), (0o664, 0o775)):
        for path in checkout.rglob("*"):
            path.chmod(folder_mode if path.is_dir() else file_mode)
        recording = record(lambda: LambdaImage("handler", args))
        registered.append([(entry.urn, entry.inputs) for entry in recording.registrations])
    assert sorted(registered[0], key=str) == sorted(registered[1], key=str)


def test_the_handler_image_reads_no_migration_and_neither_reads_anything_else() -> None:
    """An edit to a README or to a migration would build and deploy the handler again."""
    project = Project.find(STACKS_FOLDER)
    handler, migrations = (context_files(write_context(project, target)) for target in ("handler", "migrations"))
    shared = {
        "__init__.py",
        "application.py",
        "bundle.py",
        "certificates",
        "database",
        "payload.py",
        "secrets.py",
        "start.py",
    }
    for files, own in ((handler, "handler"), (migrations, "migrations")):
        assert {path.parts[0] for path in files} == {"application", "build", "requirements.txt", "runtime"}
        assert {path.parts[2] for path in files if path.parts[0] == "runtime"} == shared | {own}
    assert named(migrations, "application") == ["__init__.py", "tables.py"]
    assert named(handler, "application") == ["__init__.py", "commands.py", "routes.py", "tables.py"]
    assert named(handler, "versions") == []
    assert "runner.py" in named(migrations, "migrations")
    assert "app.py" in named(handler, "handler")


def test_a_program_in_another_language_finds_the_build_contexts(tmp_path: Path) -> None:
    """It could run no migrations, whose image is made of our code and of the service's."""
    shutil.copytree(ROOT / "lambda_images", tmp_path / "lambda_images")
    for file in ("Pulumi.yaml", "pyproject.toml"):
        shutil.copy(ROOT / file, tmp_path)
    command = [sys.executable, "-m", "aurora_lambda.service.image_context"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    folder = tmp_path / ".aurora-lambda"
    assert (ended.stdout.splitlines(), ended.stderr) == ([str(folder / "handler"), str(folder / "migrations")], "")
    assert context_files(folder / "handler") == context_files(CONTEXT)


def named(files: list[Path], folder: str) -> list[str]:
    """Return the names of the files right in `folder`, and no compiled or hidden file anywhere."""
    assert not [path for path in files if "__pycache__" in path.parts or path.name.startswith(".")]
    return sorted(path.name for path in files if path.parent.name == folder)


@pytest.fixture
def context(tmp_path: Path) -> Path:
    folder = tmp_path / "context"
    (folder / "code").mkdir(parents=True)
    (folder / "code/app.py").write_text("print(1)\n")
    (folder / "README.md").write_text("hello\n")
    (folder / ".dockerignore").write_text("# only code\n*\n!code\n")
    (folder / "Dockerfile").write_text("FROM scratch\n")
    return folder


def digest_of(context: Path, **settings: str) -> str:
    return source_digest(context, context / "Dockerfile", settings)


@pytest.mark.parametrize("patterns", [[], [".dockerignore"], ["Dockerfile", ".dockerignore"]])
def test_a_context_that_excludes_nothing_is_read_whole(context: Path, patterns: list[str]) -> None:
    """A build would lack files, or its digest would not be the one before."""
    (context / "code/link.py").symlink_to("app.py")
    (context / ".dockerignore").write_text("\n".join(["# all", *patterns]))
    taken = {Path(path) for path in exclude_paths(str(context), patterns)} - {Path("Dockerfile"), Path(".dockerignore")}
    assert context_files(context) == sorted(path for path in taken if (context / path).is_file())
    assert [path.as_posix() for path in context_files(context)] == ["README.md", "code/app.py", "code/link.py"]


def test_the_digest_is_the_same_on_another_machine(context: Path, tmp_path: Path) -> None:
    """Two people deploying one commit would push two images."""
    shutil.copytree(context, tmp_path / "elsewhere" / "clone")
    assert digest_of(tmp_path / "elsewhere" / "clone") == digest_of(context)


def test_the_digest_ignores_what_the_build_does_not_read(context: Path) -> None:
    """An edit to a README would build an image."""
    before = digest_of(context)
    (context / "README.md").write_text("edited\n")
    (context / "new.txt").write_text("new\n")
    assert digest_of(context) == before


@pytest.mark.parametrize("change", ["content", "name", "mode", "dockerfile", "setting"])
def test_the_digest_changes_with_everything_the_build_reads(context: Path, change: str) -> None:
    """An edited image would not be deployed."""
    before = digest_of(context, target="handler")
    code = context / "code/app.py"
    if change == "content":
        code.write_text("print(2)\n")
    elif change == "name":
        code.rename(context / "code/application.py")
    elif change == "mode":
        code.chmod(0o755)
    elif change == "dockerfile":
        (context / "Dockerfile").write_text("FROM scratch AS handler\n")
    target = "migrations" if change == "setting" else "handler"
    assert digest_of(context, target=target) != before


def test_a_context_without_an_ignore_file_is_refused(context: Path) -> None:
    """Whatever lies in the folder, credentials included, would be sent to the builder."""
    (context / ".dockerignore").unlink()
    with pytest.raises(FileNotFoundError, match="has no .dockerignore that says what the build reads$"):
        digest_of(context)


def test_an_unknown_architecture_is_refused() -> None:
    """The build would fail half way through a deployment."""
    args = {"context": ".", "dockerfile": "Dockerfile", "target": "handler", "architecture": "mips"}
    with pytest.raises(ValueError, match="^LambdaImage 'i': architecture is 'mips'; must be arm64 or x86_64$"):
        record(lambda: LambdaImage("i", args))  # ty: ignore[invalid-argument-type]
