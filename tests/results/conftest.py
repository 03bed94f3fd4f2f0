"""Property tests that neither depend on a clock nor on chance."""

from hypothesis import settings

settings.register_profile("steady", deadline=None, derandomize=True, max_examples=30)
settings.load_profile("steady")
