"""Which lines of a contract coverage counts: those that have bytecode of their own.

titanoboa's plugin counts every line on which the parser sees anything: `pass`, declarations, the second line of a call.
What the compiler made no code for can be reached by no test, so it is left out here; nothing else is.
"""

from collections import defaultdict
from functools import cache, cached_property
from pathlib import Path

import boa
from boa.coverage import TitanoboaPlugin, TitanoboaReporter
from boa.environment import Env
from coverage.plugin_support import Plugins

CONTRACTS = Path(__file__).parents[1] / "contracts"

__all__ = ["coverage_init"]


def coverage_init(registry: Plugins, options: dict[str, str]) -> None:
    """What coverage calls of the plugin that its settings name."""
    plugin = _Plugin(options)
    registry.add_file_tracer(plugin)
    registry.add_configurer(plugin)
    Env._coverage_enabled = True


class _Plugin(TitanoboaPlugin):
    def file_reporter(self, filename: str) -> "_Reporter | None":
        return _Reporter(filename) if filename.endswith(".vy") else None


class _Reporter(TitanoboaReporter):
    @cached_property
    def _lines(self) -> set[int]:
        counted: set[int] = TitanoboaReporter._lines.func(self)
        return counted & _coded_lines()[self.filename] if self.filename in _coded_lines() else counted


@cache
def _coded_lines() -> dict[str, set[int]]:
    """Path of a source -> lines that some deployable contract has bytecode for."""
    lines: dict[str, set[int]] = defaultdict(set)
    for path in sorted(CONTRACTS.glob("*.vy")):
        for node in boa.load_partial(str(path)).compiler_data.source_map["pc_raw_ast_map"].values():
            lines[str(node.module_node.resolved_path)].add(node.lineno)
    return dict(lines)
