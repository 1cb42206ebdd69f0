"""Which of the shell's environment variables a stack on this machine gets."""

import os
import sys
from collections.abc import Mapping

# Settings of other programs, for other clouds, databases and Python code.
FOREIGN = ("AWS_", "DATABASE_URL", "MOTO_", "MYSQL_", "PG", "PULUMI_", "PYTHON", "SQLALCHEMY_")


def local_environment(shell: Mapping[str, str]) -> dict[str, str]:
    """Return the shell's variables as commands on this machine, and all that they start, have them.

    Proxies stay, because packages and images may have to come through them, but loopback is reached without.
    """
    kept = {name: value for name, value in shell.items() if not name.startswith(FOREIGN)}
    direct = ",".join(filter(None, ("127.0.0.1", "localhost", shell.get("no_proxy") or shell.get("NO_PROXY"))))
    files = dict.fromkeys(("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"), os.devnull)
    return {**kept, **files, "NO_PROXY": direct, "no_proxy": direct}


def use_local_environment() -> None:
    """Give this process its `local_environment`."""
    variables = local_environment(os.environ)
    # Other threads of a process that has it already read theirs meanwhile.
    if variables != dict(os.environ):
        os.environ.clear()
        os.environ.update(variables)


def restart_without_python_settings() -> None:
    """Start this command again without PYTHONPATH, PYTHONWARNINGS and their like, where the shell has any.

    The interpreter has read them before any code of this project runs.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    if len(kept) < len(os.environ):
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], kept)
