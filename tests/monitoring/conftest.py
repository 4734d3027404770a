"""An engine over a fake organisation, as the engine's own tests have it."""

from tests.engine.conftest import bench

__all__ = ["bench"]
