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
    use_environment(local_environment(os.environ))


def use_environment(variables: Mapping[str, str]) -> None:
    """Give this process these variables and no others; those that stay are there all the time, for other threads."""
    os.environ.update(variables)
    for name in os.environ.keys() - variables.keys():
        del os.environ[name]


def restart_without_python_settings() -> None:
    """Start this command again without PYTHONPATH, PYTHONWARNINGS and their like, where the shell has any.

    The interpreter has read them before any code of this project runs.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    if len(kept) < len(os.environ):
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], kept)
