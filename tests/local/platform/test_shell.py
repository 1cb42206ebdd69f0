"""Which of the shell's variables count on this machine."""

import json
import os
import subprocess
import sys
from pathlib import Path

from aurora_lambda_local.platform.shell import local_environment


def test_what_tells_of_other_clouds_databases_and_code_does_not_count() -> None:
    """A stack here would look for a profile of AWS, or log in to another database."""
    kept = {"HOME": "/home/me", "LANG": "C", "PATH": "/bin", "TMPDIR": "/var/my tmp", "UV_CACHE_DIR": "/cache"}
    foreign = {
        "AWS_PROFILE": "other",
        "DATABASE_URL": "postgresql://other",
        "MOTO_ACCOUNT_ID": "999999999999",
        "MYSQL_PWD": "other",
        "PGSERVICE": "other",
        "PULUMI_CONFIG": "{",
        "PYTHONPATH": "/other",
        "SQLALCHEMY_WARN_20": "1",
    }
    added = {
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
    }
    assert local_environment(kept | foreign) == kept | added


def test_packages_come_through_the_proxy_and_loopback_goes_without() -> None:
    """Behind a company's proxy packages could not be installed, or functions not be reached."""
    variables = local_environment({"HTTPS_PROXY": "http://proxy:3128", "no_proxy": "intranet"})
    assert (variables["HTTPS_PROXY"], variables["no_proxy"]) == ("http://proxy:3128", "127.0.0.1,localhost,intranet")


def test_the_interpreter_starts_again_without_settings_of_its_own(tmp_path: Path) -> None:
    """A module on PYTHONPATH would take the place of a dependency, a filter in PYTHONWARNINGS end an `up`."""
    program = tmp_path / "program.py"
    program.write_text(
        "import json, os, sys\n"
        "from aurora_lambda_local.platform.shell import restart_without_python_settings\n"
        "restart_without_python_settings()\n"
        "print(json.dumps([sys.argv[1:], 'other' in sys.path, sys.warnoptions, 'PYTHONPATH' in os.environ]))\n"
    )
    shell = {"PATH": os.environ["PATH"], "PYTHONPATH": "other", "PYTHONWARNINGS": "error"}
    command = [sys.executable, str(program), "an argument", "--option"]
    ended = subprocess.run(command, env=shell, capture_output=True, text=True, check=True)
    assert json.loads(ended.stdout) == [["an argument", "--option"], False, [], False]
