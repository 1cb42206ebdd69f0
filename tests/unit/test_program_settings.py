"""The configuration keys that a program declares."""

from dataclasses import dataclass
from pathlib import Path

import pulumi
import pytest

from aurora_lambda import Secret
from aurora_lambda.project import Project, ProjectError
from aurora_lambda.service import (
    Service,
    Settings,
    SettingsError,
    choice,
    config_key,
    flag,
    load_settings,
    secret_key,
    strings,
    text,
    whole_number,
)
from aurora_lambda.service.keys import declared_keys
from aurora_lambda.service.reference import pulumi_block
from aurora_lambda.service.settings import program_settings
from aurora_lambda_local.cli.configuration import StackConfiguration
from aurora_lambda_local.cli.formatting import advice_here
from aurora_lambda_local.platform.errors import UsageError
from tests.components.recording import SECRET_MARK, Recording, record
from tests.components.tokens import FUNCTION, SECRET_VERSION

PROGRAM_SETTINGS = """
from dataclasses import dataclass

import pulumi

from aurora_lambda.service import Settings, config_key, secret_key, text, whole_number


@dataclass(frozen=True)
class ShopSettings(Settings):
    sender: str = config_key(text(r".+@.+", "a mail address"), "Who mails come from.", required=True)
    page_size: int = config_key(whole_number(1, 100, "links"), "Links on a page.", 20)
    stripe_key: pulumi.Output[str] = secret_key("Key of the payment service.")
"""


@dataclass(frozen=True)
class ShopSettings(Settings):
    """A program's own keys, one of each kind."""

    sender: str = config_key(text(r".+@.+", "a mail address"), "Who mails come from.", required=True)
    page_size: int = config_key(whole_number(1, 100, "links"), "Links on a page.", 20)
    plan: str = config_key(choice("free", "team"), "What a new account gets.", "free")
    beta: bool = config_key(flag(default=False), "Whether new pages are shown.")
    hosts: tuple[str, ...] = config_key(strings(r"[\w.]+", "a list of hosts"), "Where links may lead.")
    stripe_key: pulumi.Output[str] = secret_key("Key of the payment service.")


GIVEN = {"sender": "shop@example.com", "stripeKey": "sk_live"}


def loaded(config: dict[str, str]) -> tuple[ShopSettings, Recording]:
    """Return the settings of a program that makes its service with them, and what it registered."""
    found: list[ShopSettings] = []

    def program() -> None:
        settings = load_settings(ShopSettings)
        found.append(settings)
        Service(settings).extend_handler(environment={"SENDER": settings.sender})

    recording = record(program, config)
    return found[0], recording


def test_a_program_has_keys_of_its_own_beside_ours() -> None:
    """What differs from stack to stack would be read by the program itself, as text, and checked by nobody."""
    settings, recording = loaded({**GIVEN, "pageSize": "50", "beta": "true", "hosts": '["a.com"]', "engine": "dsql"})
    assert (settings.sender, settings.page_size, settings.plan, settings.beta, settings.hosts, settings.engine) == (
        "shop@example.com",
        50,
        "free",
        True,
        ("a.com",),
        "dsql",
    )
    assert recording.inputs(FUNCTION, "handler")["environment"]["variables"]["SENDER"] == "shop@example.com"


def test_a_secret_stays_one() -> None:
    """It would be plain text in the state of whatever the program gives it to, or in a log of the settings."""
    found: list[ShopSettings] = []

    def program() -> None:
        found.append(load_settings(ShopSettings))
        Secret("stripe-key", {"value": found[0].stripe_key})

    version = record(program, GIVEN).resource(SECRET_VERSION, "stripe-key")
    assert version.inputs["secretString"] == "sk_live"
    assert SECRET_MARK in version.wire["secretString"].values()
    assert "sk_live" not in repr(found[0])


def test_all_mistakes_are_reported_together_before_anything_is_made() -> None:
    """Each typing error in a key of the program's own would cost a deployment that fails halfway."""
    recording = Recording()
    wrong = {"pageSize": "1000", "plan": "taem", "stripKey": "sk_live", "minCapacity": "many", "stripeKey": ""}
    with pytest.raises(SettingsError) as error:
        record(lambda: Service(load_settings(ShopSettings)), wrong, recording=recording)
    assert error.value.mistakes == [
        "stripKey is not a configuration key; did you mean 'stripeKey'? remove it with: pulumi config rm stripKey",
        "sender is missing; must be a mail address. Type: pulumi config set sender VALUE",
        "minCapacity is 'many'; must be Aurora capacity units from 0 to 256 in steps of 0.5",
        "pageSize is '1000'; must be a whole number of links from 1 to 100",
        "plan is 'taem'; must be free or team. Type: pulumi config set plan team",
        "stripeKey is [secret]; must be a text",
    ]
    assert recording.registrations == []


def test_a_field_without_a_declaration_is_refused() -> None:
    """It would look like a key, and no stack could set it."""

    @dataclass(frozen=True)
    class Plain(Settings):
        sender: str = ""

    with pytest.raises(TypeError, match=r"^Plain\.sender is no configuration key: declare it by config_key$"):
        declared_keys(Plain)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Return a project whose program declares keys."""
    stacks = tmp_path / "stacks"
    stacks.mkdir()
    (tmp_path / "Pulumi.yaml").write_text("name: shop\nmain: stacks\nstackConfigDir: stacks\n")
    for stack in ("local", "prod"):
        (stacks / f"Pulumi.{stack}.yaml").write_text("config:\n  aws:region: eu-west-1\n")
    (stacks / "settings.py").write_text(PROGRAM_SETTINGS)
    return Project.find(tmp_path)


def test_the_command_line_knows_the_programs_keys(project: Project) -> None:
    """`aurora-lambda config set` would refuse them, or let mistakes in them through to the next deployment."""
    local, prod = (StackConfiguration(stack, project.root) for stack in ("local", "prod"))
    local.set("pageSize", "50", path=False)
    local.set("stripeKey", "sk_test", path=False)
    assert StackConfiguration("local", project.root).get("pageSize", path=False) == "50"
    for configuration, key, value, message in (
        (local, "pageSize", "x", "pageSize is 'x'; must be a whole number of links from 1 to 100"),
        (local, "pagSize", "1", "pagSize is no configuration key; did you mean pageSize?"),
        (
            prod,
            "stripeKey",
            "sk_live",
            "stripeKey is a secret, which Pulumi encrypts; type: pulumi config set --secret stripeKey VALUE -s prod",
        ),
    ):
        with pytest.raises(UsageError) as error:
            configuration.set(key, value, path=False)
        assert str(error.value) == message


def test_pulumi_knows_the_programs_keys(project: Project) -> None:
    """`pulumi up` would begin with a secret that somebody wrote as plain text."""
    block = pulumi_block(declared_keys(program_settings(project)))
    assert block.endswith(
        "  sender:\n    type: string\n"
        '    description: "Who mails come from. Takes a mail address."\n'
        "  pageSize:\n    type: integer\n    default: 20\n"
        '    description: "Links on a page. Takes a whole number of links from 1 to 100."\n'
        "  stripeKey:\n    type: string\n    secret: true\n"
        '    description: "Key of the payment service. Takes a text."\n'
    )


def test_a_file_of_settings_that_cannot_be_used_is_said(project: Project) -> None:
    """The command line would end with a traceback, or take one class of two."""
    file = project.program / "settings.py"
    file.write_text(PROGRAM_SETTINGS + "class Other(ShopSettings):\n    pass\n")
    with pytest.raises(ProjectError) as error:
        program_settings(project)
    assert str(error.value) == f"{file} has ShopSettings and Other; put all keys into one class"
    file.write_text("1 / 0")
    with pytest.raises(ProjectError) as error:
        program_settings(project)
    assert str(error.value) == f"{file} cannot be read: ZeroDivisionError: division by zero"


def test_a_missing_secret_is_advised_where_it_can_be_set() -> None:
    """The line to type would be one that this machine's command does not have."""
    advice = "Type: pulumi config set --secret stripeKey VALUE"
    assert advice_here(advice, "local", []) == "Type: aurora-lambda config set stripeKey VALUE"
    assert advice_here(advice, "prod", []) == advice
