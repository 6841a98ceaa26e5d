"""Who is next: owners take turns, first come first served within one."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterator
from typing import Generic, TypeVar

Owner = TypeVar("Owner", bound=Hashable)
Item = TypeVar("Item", bound=Hashable)

# The number of latest turns to remember: far more than people ever wait at once.
REMEMBERED = 1_000


class FairQueue(Generic[Owner, Item]):
    """Items in the order in which they will be served.

    The owner whose last turn was longest ago is next; an owner who never had one comes
    before all others. So an owner cannot have two turns while another waits for one, and
    a newcomer never waits behind someone's backlog, only behind what has already begun.
    """

    def __init__(self) -> None:
        self._lines: dict[Owner, OrderedDict[Item, None]] = {}  # none is empty
        self._turns: OrderedDict[Owner, int] = OrderedDict()  # the number of the last turn, oldest first
        self._taken = 0
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[Item]:
        """All items, the next one first: one of each owner, then the second ones, …"""
        lines = [iter(self._lines[owner]) for owner in sorted(self._lines, key=self._last_turn)]
        while lines:
            still = []
            for line in lines:
                for item in line:
                    yield item
                    still.append(line)
                    break
            lines = still

    def push(self, owner: Owner, item: Item) -> None:
        """Put an item last in its owner's line; an item may be in it only once."""
        self._lines.setdefault(owner, OrderedDict())[item] = None
        self._length += 1

    def pop(self) -> Item:
        """Take the next item out; KeyError if the queue is empty."""
        if not self._lines:
            raise KeyError("the queue is empty")
        owner = min(self._lines, key=self._last_turn)
        item = next(iter(self._lines[owner]))
        self.remove(owner, item)
        self._taken += 1
        self._turns[owner] = self._taken
        self._turns.move_to_end(owner)
        if len(self._turns) > REMEMBERED:
            self._turns.popitem(last=False)
        return item

    def remove(self, owner: Owner, item: Item) -> None:
        """Take an item out of turn; KeyError if it is not waiting."""
        line = self._lines[owner]
        del line[item]
        if not line:
            del self._lines[owner]
        self._length -= 1

    def _last_turn(self, owner: Owner) -> int:
        return self._turns.get(owner, 0)
