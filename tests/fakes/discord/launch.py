"""The bot as ``python -m bot`` runs it, on a Discord at another address.

python -m tests.fakes.discord.launch [arguments of python -m bot]
"""

from __future__ import annotations

import os
import sys

from bot.__main__ import main
from tests.fakes.discord.addresses import GATEWAY, REST, Addresses, leading_to

if __name__ == "__main__":
    with leading_to(Addresses(os.environ[REST], os.environ[GATEWAY])):
        sys.exit(main(sys.argv[1:]))
