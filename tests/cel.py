"""Tests of conditions, where their library is to be had."""

from importlib.util import find_spec

import pytest

HAS_CEL = find_spec("cel_expr_python") is not None
needs_cel = pytest.mark.skipif(not HAS_CEL, reason="cel-expr-python has no wheel for this Python")
