"""A function in another language, written as docs/other-languages.md says, on a stack with our migrations."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from aurora_lambda_local.runtimes.docker_engine import DockerEngine
from tests.e2e.checkout import ROOT, Checkout
from tests.services import base_image

pytestmark = pytest.mark.slow

# In place of AWS's base image for Node, with the packages of the function; it stays, as any base image.
NODE = "aurora-lambda-node-base"
PROGRAM = """
from aurora_lambda import LambdaImage
from aurora_lambda.service import Service

service = Service()
image = LambdaImage("web", {"context": "../web", "dockerfile": "../web/Dockerfile", "target": "web"})
service.function("web", image_uri=image.image_uri)
"""


def documented(language: str) -> str:
    """Return the page's one block in a language."""
    (block,) = re.findall(rf"^```{language}\n(.*?)^```", (ROOT / "docs/other-languages.md").read_text(), re.M | re.S)
    return block


@pytest.fixture(scope="module", autouse=True)
def node_image() -> None:
    """Build the image that the function's is based on."""
    folder, engine = Path(__file__).parent / "node_image", DockerEngine.find()
    image = engine.build(folder, folder / "Dockerfile", "node", {"BASE_IMAGE": base_image()})
    engine.run("tag", image, NODE)


@pytest.fixture(params=["postgres", "mysql", "dsql"])
def checkout(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Checkout]:
    """Give a stack on each engine with the documented function."""
    checkout = Checkout.with_sample_application(tmp_path / "checkout")
    web = checkout.folder / "web"
    web.mkdir()
    (web / "index.mjs").write_text(documented("js"))
    (web / "Dockerfile").write_text(f"FROM {NODE} AS web\nCOPY index.mjs ./\n")
    (web / ".dockerignore").write_text("node_modules\n")
    (checkout.folder / "stacks" / "__main__.py").write_text(PROGRAM)
    checkout.run("up", "-c", f"engine={request.param}")
    yield checkout
    checkout.run("down")


def test_a_function_in_node_reads_what_our_migration_made_room_for(checkout: Checkout) -> None:
    """Whoever writes functions in another language has that page alone, and would be refused by the database."""
    texts = ["good day", "good night"]
    for text in texts:
        assert checkout.curl("POST", "/notes", f'{{"text": "{text}"}}')[0] == 201

    assert checkout.invoke("webLambdaArn") == {"revision": "0004", "texts": texts}

    if checkout.status_of("engine") == "postgres":
        ended = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = 'app_runtime'"
        checkout.run("sql", ended)
        assert checkout.invoke("webLambdaArn")["texts"] == texts
