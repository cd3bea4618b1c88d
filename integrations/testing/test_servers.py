# SPDX-License-Identifier: Apache-2.0
"""A tool that is missing: CI fails, so that nothing goes untested unnoticed; elsewhere the test is skipped with the reason."""

import pytest

from environments import environment
from servers import tool


@pytest.mark.parametrize("look", [lambda: tool("/usr/bin/no-such-server"), lambda: environment("python", "no_such_module")])
class TestAMissingTool:
    def test_fails_in_ci(self, look, monkeypatch):
        monkeypatch.setenv("CI", "true")
        with pytest.raises(pytest.fail.Exception, match="no-such-server is not installed|could not install no_such_module"):
            look()

    def test_is_skipped_with_the_reason_elsewhere(self, look, monkeypatch):
        monkeypatch.delenv("CI", raising=False)
        with pytest.raises(pytest.skip.Exception, match="no-such-server is not installed|could not install no_such_module"):
            look()
