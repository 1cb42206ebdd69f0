"""A module's source without what only people and type checkers read; assertions stay, unlike under `python -OO`."""

import ast

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def reduced(source: bytes, *, typed: bool) -> ast.Module:
    """Parse `source`, without its docstrings; where it is not `typed`, without its functions' annotations either.

    What classes annotate stays: dataclasses and named tuples are made of it.
    """
    tree = ast.parse(source)
    if not typed:
        tree = _Untyped().visit(tree)
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, *FUNCTIONS)) and _has_docstring(node):
            node.body[:1] = [] if len(node.body) > 1 else [ast.copy_location(ast.Pass(), node.body[0])]
    return tree


def _has_docstring(node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return bool(node.body) and ast.get_docstring(node, clean=False) is not None


class _Untyped(ast.NodeTransformer):
    """Removes the annotations of functions, and overloads, which are nothing else."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return self._function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return self._function(node)

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.AST:
        decorators = {_last_name(each) for each in node.decorator_list}
        if "overload" in decorators:
            return ast.copy_location(ast.Pass(), node)
        if "register" not in decorators:  # functools.singledispatch goes by them
            node.returns = None
            arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            for argument in [*arguments, node.args.vararg, node.args.kwarg]:
                if argument is not None:
                    argument.annotation = None
        return self.generic_visit(node)


def _last_name(node: ast.expr) -> str:
    if isinstance(node, ast.Call):
        node = node.func
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
