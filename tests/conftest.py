"""What every test shares."""

import hypothesis

# A loaded machine makes an example slow, not wrong.
hypothesis.settings.register_profile("tokenwise", deadline=None)
hypothesis.settings.load_profile("tokenwise")
