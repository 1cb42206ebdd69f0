"""The configuration keys of a program's own, which it declares in `settings.py` beside its `__main__.py`."""

import runpy

from aurora_lambda.project import Project, ProjectError
from aurora_lambda.service.settings import Settings

FILE = "settings.py"


def program_settings(project: Project) -> type[Settings]:
    """Return the class that declares the program's keys beside those of every service; `Settings` where none does.

    The program itself gives the class to `load_settings`. Commands that run no program find it here.

    Raises:
        ProjectError: the file cannot be run, or has several such classes.
    """
    file = project.program / FILE
    if not file.is_file():
        return Settings
    try:
        defined = runpy.run_path(str(file), run_name="settings").values()
    except Exception as error:
        raise ProjectError(f"{file} cannot be read: {type(error).__name__}: {error}") from error
    kinds = [each for each in defined if isinstance(each, type) and issubclass(each, Settings) and each is not Settings]
    if len(kinds) > 1:
        names = " and ".join(kind.__name__ for kind in kinds)
        raise ProjectError(f"{file} has {names}; put all keys into one class")
    return kinds[0] if kinds else Settings
