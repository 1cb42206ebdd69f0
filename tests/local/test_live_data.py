"""On this machine too, a configuration that would replace a stack's data is refused before anything is changed."""

from functools import partial
from pathlib import Path

import pulumi
import pulumi_aws as aws
import pytest

from aurora_lambda.service.keys import SettingsError
from aurora_lambda.service.live_data import check_live_data
from aurora_lambda.service.settings import Settings
from aurora_lambda_local.program.deploy import up
from aurora_lambda_local.program.preview import preview
from aurora_lambda_local.program.progress import Progress

EXPECTED = [
    "schema is 'shop', and 'app' on the live stack: that replaces the database by an empty one, beside the old one."
    " To keep it: pulumi config set schema app; to replace it: pulumi config set replaceData true"
]


def program(settings: Settings) -> None:
    live = check_live_data(settings)
    policy = '{"Version": "2012-10-17", "Statement": []}'
    aws.iam.Role("after", assume_role_policy=policy, opts=pulumi.ResourceOptions(depends_on=[live.checked]))


def test_a_swapped_database_is_refused_by_preview_and_up(checkout: Path) -> None:
    """A developer would find an empty database, and learn of the key only from AWS."""
    before, after = partial(program, Settings()), partial(program, Settings(schema="shop"))
    up(checkout=checkout, program=before, progress=Progress(lambda _: None))
    for command in (preview, up):
        with pytest.raises(SettingsError) as refused:
            command(checkout=checkout, program=after, progress=Progress(lambda _: None))
        assert refused.value.mistakes == EXPECTED
    # What was refused is not what the stack has.
    assert up(checkout=checkout, program=before, progress=Progress(lambda _: None)).unchanged
    allowed = partial(program, Settings(schema="shop", replace_data=True))
    assert up(checkout=checkout, program=allowed, progress=Progress(lambda _: None)).outputs["liveData"]["keys"][
        "schema"
    ] == ("shop")
