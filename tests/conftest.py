"""Settings for every test: property tests are reproducible and not timed, since CI machines are noisy."""

from hypothesis import settings

settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci")
