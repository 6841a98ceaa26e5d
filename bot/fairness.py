"""Who is next: owners take turns, first come first served within one."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterator
from typing import Generic, TypeVar

Owner = TypeVar("Owner", bound=Hashable)
Item = TypeVar("Item", bound=Hashable)


class WaitingLine(Generic[Owner, Item]):
    """Items in the order in which they will be served.

    Owners take turns: whoever was served goes to the end of the round, and a
    newcomer joins it at the end. So somebody with ten requests holds up
    somebody with one by one request at most, however they came.
    """

    def __init__(self) -> None:
        # The round, its next owner first; each with something in their line.
        self._round: OrderedDict[Owner, OrderedDict[Item, None]] = OrderedDict()
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[Item]:
        """All items, the next one first: one of each owner, then the second ones, …"""
        lines = [iter(line) for line in self._round.values()]
        while lines:
            still = []
            for line in lines:
                for item in line:
                    yield item
                    still.append(line)
                    break
            lines = still

    def push(self, owner: Owner, item: Item) -> None:
        """Put an item last in its owner's line; no item twice."""
        self._round.setdefault(owner, OrderedDict())[item] = None
        self._length += 1

    def pop(self) -> Item:
        """Take the next item out; KeyError if nobody waits."""
        owner, line = self._round.popitem(last=False)
        item, _ = line.popitem(last=False)
        if line:
            self._round[owner] = line
        self._length -= 1
        return item

    def remove(self, owner: Owner, item: Item) -> None:
        """Take an item out of turn; KeyError if it does not wait."""
        line = self._round[owner]
        del line[item]
        if not line:
            del self._round[owner]
        self._length -= 1
