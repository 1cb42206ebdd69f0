"""A small application for tests of the machinery, laid out as `lambda_images/application/` is.

It imports its own modules relatively, so that it also works in that one's place, in a copy of the checkout.
"""

import shutil
from pathlib import Path

from aurora_lambda_runtime.application import ApplicationPackage

FOLDER = Path(__file__).parent
VERSIONS = FOLDER / "versions"


def package(versions: Path = VERSIONS) -> ApplicationPackage:
    """Return this application, or one of its tables and other revisions."""
    return ApplicationPackage("tests.sample_application", versions)


def put_into(checkout: Path) -> None:
    """Put this application in place of the one in a copy of the checkout."""
    place = checkout / "lambda_images" / "application"
    shutil.rmtree(place)
    shutil.copytree(FOLDER, place, ignore=shutil.ignore_patterns("__pycache__"))
    (place / "__init__.py").write_text('"""The application."""\n')
