"""Secrets as a function reads them."""

from collections.abc import Iterator

import pytest

from aurora_lambda_runtime import secrets as secrets_module
from aurora_lambda_runtime.database.errors import SecretUnavailableError
from aurora_lambda_runtime.secrets import SecretError, get_secret

ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:stripe-key-a1b2c3"


class SecretsManager:
    """Secrets Manager as a function sees it: one secret, how often it was read, and whether it answers."""

    def __init__(self) -> None:
        self.value: str | None = "first"
        self.reads = 0
        self.down = False

    def get_secret(self, arn: str) -> str | None:
        assert arn == ARN
        self.reads += 1
        if self.down:
            raise SecretUnavailableError("secretsmanager does not answer")
        return self.value


@pytest.fixture
def manager(monkeypatch: pytest.MonkeyPatch) -> Iterator[SecretsManager]:
    """A function that may read the secret `stripe-key`, in a new execution environment."""
    made = SecretsManager()
    monkeypatch.setattr(secrets_module.aws, "get_secret", made.get_secret)
    monkeypatch.setattr(secrets_module.time, "time", lambda: made_at[0])
    monkeypatch.setenv("SECRET_STRIPE_KEY_ARN", ARN)
    secrets_module._values.clear()
    yield made
    secrets_module._values.clear()
    made_at[0] = 1000.0


made_at = [1000.0]


def test_a_secret_is_read_once_and_again_after_five_minutes(manager: SecretsManager) -> None:
    """Each request would wait for Secrets Manager and cost, or a rotated key would be refused until a deployment."""
    assert (get_secret("stripe-key"), get_secret("stripe-key"), manager.reads) == ("first", "first", 1)
    manager.value = "rotated"
    made_at[0] += 299
    assert get_secret("stripe-key") == "first"
    made_at[0] += 1
    assert (get_secret("stripe-key"), manager.reads) == ("rotated", 2)
    assert get_secret("stripe-key", max_age=0) == "rotated"
    assert manager.reads == 3


def test_a_refused_value_is_read_again_at_once(manager: SecretsManager) -> None:
    """A service would fail for five minutes after each rotation."""
    assert get_secret("stripe-key") == "first"
    manager.value = "rotated"
    assert (get_secret("stripe-key", force_fetch=True), get_secret("stripe-key")) == ("rotated", "rotated")


def test_an_older_value_serves_on_while_secrets_manager_is_away(
    manager: SecretsManager, caplog: pytest.LogCaptureFixture
) -> None:
    """A service would be down whenever Secrets Manager is, with a good key in its memory."""
    assert get_secret("stripe-key") == "first"
    manager.down = True
    made_at[0] += 300
    assert (get_secret("stripe-key"), get_secret("stripe-key"), manager.reads) == ("first", "first", 2)
    assert [record.getMessage() for record in caplog.records] == [
        "secret 'stripe-key' could not be read again, the older value serves on: secretsmanager does not answer"
    ]
    with pytest.raises(SecretError, match="^secret 'stripe-key': secretsmanager does not answer$"):
        get_secret("stripe-key", force_fetch=True)


def test_what_cannot_be_read_is_said(manager: SecretsManager) -> None:
    """A function that lacks its secret would fail with the name of a variable, or call others with an empty key."""
    with pytest.raises(SecretError) as error:
        get_secret("mail-login")
    assert str(error.value) == (
        "this function has no secret 'mail-login' (SECRET_MAIL_LOGIN_ARN is not set): give it one by"
        " `access=[secret.reader]` in the program, or by `functions` in the stack's file"
    )
    manager.value = None
    with pytest.raises(SecretError, match=f"^secret 'stripe-key' has no value yet: {ARN}$"):
        get_secret("stripe-key")
