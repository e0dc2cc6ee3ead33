"""One folder of specs for all tests: its module can be loaded from one place alone."""

import pytest

from tests.temporal.served import specs_in


@pytest.fixture(scope="session")
def specs(tmp_path_factory):
    return specs_in(tmp_path_factory.mktemp("temporal") / "specs")
