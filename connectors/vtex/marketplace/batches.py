"""Simulations of many SKUs at once, halved where one of them makes all fail."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

from connectors.vtex.marketplace.reader import Reader
from connectors.vtex.marketplace.simulation import Simulated
from hub.errors import HubError, RejectedError, RetryableError

#: Further simulations that one batch may be taken apart with: two bad ones among fifty take that many. When VTEX is down,
#: it is not asked more often than that, and not at all once the circuit is open.
MOST_FURTHER: Final = 24

#: What an SKU is sold for, None where it is not, or why that is not known.
Answer = Simulated | HubError | None


class Batches:
    """``size`` SKUs go together."""

    def __init__(self, reader: Reader, size: int) -> None:
        self._reader = reader
        self._size = size

    async def simulate(self, skus: Sequence[str]) -> Mapping[str, Answer]:
        """An answer for each SKU, whatever happens."""
        batches = [skus[start : start + self._size] for start in range(0, len(skus), self._size)]
        answers = await asyncio.gather(*(_Batch(self._reader).simulate(batch) for batch in batches))
        return {sku: answer for batch in answers for sku, answer in batch.items()}


class _Batch:
    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._left = MOST_FURTHER

    async def simulate(self, skus: Sequence[str]) -> Mapping[str, Answer]:
        try:
            found = await self._reader.simulate(skus)
        except (RetryableError, RejectedError) as error:
            if len(skus) == 1 or self._left < 2:
                return dict.fromkeys(skus, error)
            self._left -= 2
            middle = len(skus) // 2
            halves = await asyncio.gather(self.simulate(skus[:middle]), self.simulate(skus[middle:]))
            return {**halves[0], **halves[1]}
        except HubError as error:  # a limit, a circuit, a credential: it is no SKU's fault
            return dict.fromkeys(skus, error)
        return {sku: found.get(sku) for sku in skus}
