"""The rules of imports that import-linter has no contract for."""

from graphlib import TopologicalSorter

import grimp


def test_no_modules_import_each_other() -> None:
    """No circle of imports, those for type checkers included."""
    graph = grimp.build_graph("medtrack_cli")
    imports = {name: graph.find_modules_directly_imported_by(name) for name in graph.modules}
    assert len(imports) > 200
    TopologicalSorter(imports).prepare()  # raises CycleError, with the circle
