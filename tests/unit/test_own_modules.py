"""Which programs depend on nothing that changes unseen."""

from pathlib import Path

import pytest

from aurora_lambda.project import Project
from aurora_lambda_local.program.own_modules import are_steady, own_modules


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Give a project with an application beside its program."""
    (tmp_path / "Pulumi.yaml").write_text("name: shop\nmain: stacks\n")
    (tmp_path / "stacks").mkdir()
    (tmp_path / "application").mkdir()
    return Project.find(tmp_path)


def steady(project: Project, source: str, **modules: str) -> bool:
    """Return whether a program of this source, with other modules beside it, is steady."""
    for name, text in {"__main__": source, **modules}.items():
        (project.program / f"{name}.py").write_text(text)
    return are_steady(project, [project.program / f"{name}.py" for name in ("__main__", *modules)])


@pytest.mark.parametrize(
    "source",
    [
        "from aurora_lambda.service import Service\n\nService()",
        "import json\nimport pulumi\nimport pulumi_aws as aws\nfrom aurora_lambda import Network",
        "import pulumi\nproject = pulumi.get_project()\npulumi.Config().require('engine')",
    ],
)
def test_a_program_of_components_is_steady(project: Project, source: str) -> None:
    """Every `up` would run the program, and take seconds."""
    assert steady(project, source)


def test_its_modules_are_asked_too(project: Project) -> None:
    """The clock would be read a module further on."""
    assert steady(project, "from parts import queue\nfrom .parts import topic", parts="queue = topic = 1")
    assert not steady(project, "from parts import queue", parts="import time\nqueue = time.time()")


@pytest.mark.parametrize(
    "source",
    [
        "import os",
        "import datetime",
        "from pathlib import Path",
        "import application.routes",
        "import requests",
        "print(open('names.txt').read())",
        "import pulumi\npulumi.StackReference('other')",
        "from pulumi import StackReference as Other",
        "from pulumi import automation",
        "from aurora_lambda.project import Project",
        "exec('import os')",
        "function = service.handler\npulumi.export('version', function.version)",
        "__import__('os')",
    ],
)
def test_a_program_that_may_read_something_else_is_not(project: Project, source: str) -> None:
    """What it reads would change, and no `up` run the program."""
    assert not steady(project, source)


def test_a_module_of_the_application_or_of_elsewhere_is_none_of_the_program(project: Project) -> None:
    """An edit of the application would change what the program registers, and count as code of a function alone."""
    (project.program / "__main__.py").write_text("")
    (project.application / "routes.py").write_text("")
    for other in (project.application / "routes.py", project.root / "elsewhere.py"):
        other.write_text("")
        assert not are_steady(project, [project.program / "__main__.py", other])


def test_what_is_installed_is_not_the_programs_own(project: Project) -> None:
    """No program would be steady."""
    own = own_modules(project)
    assert Path(__file__).resolve() in own
    assert project.program.resolve() / "__main__.py" in own
    assert not [file for file in own if "site-packages" in file.parts or file.name == "own_modules.py"]
