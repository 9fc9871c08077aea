"""The fulfillment endpoint as raw ASGI: whatever happens, an answer within the 2.5 seconds that VTEX waits."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import time
from collections.abc import Sequence

from connectors.vtex.seller.deadlines import Deadlines
from connectors.vtex.seller.following import Follower
from connectors.vtex.seller.simulation import BadSimulationError, Simulation, SimulationRequest, parse
from connectors.vtex.web import SECRET_HEADER, Receive, RefusedError, Scope, Send, header, received
from hub import codec
from hub.connector import Log

#: "The marketplace waits up to 2.5 seconds for the response, or else the product is considered unavailable" (external
#: seller integration): a body, and what has to be read for it, have this long together, in seconds. The hub may have
#: taken a second before, to find the connection.
DEADLINE = 1.4

#: Of that so much at most is for what memory may not have yet, in seconds, where it can be answered without.
LOOK_AGAIN = 0.25

#: Requests under way at once, and of those how many may wait for the store; more are turned away at once.
MOST_AT_ONCE, MOST_READING = 1000, 64

#: A cart of 2,000 lines is 120 kB.
MOST_BYTES = 1024 * 1024

#: An SKU that was left out is logged once in this time, in seconds, and no more than so many of them at once.
LOG_EVERY, MOST_LOGGED = 600.0, 1000
#: Of each of them so many characters.
LONGEST_LOGGED = 100

#: What follows the connection's own path, and the secret if there is one.
ROUTE = "/api/pvt/orderforms/simulation"

#: Spellings of the path (in capitals, with a slash at its end) that are remembered as right.
MOST_SPELLINGS = 16

_JSON = (b"content-type", b"application/json")


class FulfillmentEndpoint:
    """Answers from memory. ``stale_for``: seconds for which it goes on to do so while the store cannot be reached."""

    def __init__(
        self,
        simulation: Simulation,
        follower: Follower,
        *,
        secret: str | None,
        stale_for: float,
        variants_by_key: bool,
        log: Log,
        deadline: float = DEADLINE,
        most_at_once: int = MOST_AT_ONCE,
        most_reading: int = MOST_READING,
    ) -> None:
        self._simulation, self._follower, self._log = simulation, follower, log
        self._secret = secret.encode() if secret else None
        self._stale_for = stale_for
        self._variants_by_key = variants_by_key
        self._deadline, self._bodies = deadline, Deadlines(deadline)
        self._most_at_once, self._most_reading = most_at_once, most_reading
        self._under_way = self._reading = 0
        self._accepted: set[str] = set()
        self._logged: dict[str, float] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if self._under_way >= self._most_at_once:
            await _send(send, 503, _error("too much at once; ask again"))
            return
        self._under_way += 1
        try:
            body = await self._answer(scope, receive)
        except RefusedError as refused:
            await _send(send, refused.status, _error(str(refused)))
        except ConnectionResetError:
            return
        else:
            await _send(send, 200, body)
        finally:
            self._under_way -= 1

    def at_once(self, path: str, body: bytes) -> bytes | None:
        """See ``hub.web.protocol.AnswersAtOnce``: what memory answers, of whoever has asked here before."""
        if path.partition("?")[0] not in self._accepted or len(body) > MOST_BYTES:
            return None
        if not self._follower.loaded.is_set() or not self._follower.is_fresh():
            return None
        try:
            return self._answered(parse(body))
        except BadSimulationError:
            return None

    async def _answer(self, scope: Scope, receive: Receive) -> bytes:
        if scope["path"] not in self._accepted or scope["method"] != "POST":
            self._accept(scope)
        began = time.monotonic()
        try:
            request = parse(await self._bodies.within(received(receive, MOST_BYTES)))
        except TimeoutError:
            raise RefusedError(408, "the body did not arrive in time") from None
        except BadSimulationError as error:
            raise RefusedError(400, str(error)) from None
        if not self._follower.loaded.is_set():
            await self._read_ahead(request, self._deadline - (time.monotonic() - began))
        elif not self._follower.is_fresh():
            await self._catch_up(request)
        return self._answered(request)

    def _answered(self, request: SimulationRequest) -> bytes:
        answer = self._simulation.answer(request, time.time())
        if answer.left_out:
            self._say(answer.left_out)
        return answer.body

    def _accept(self, scope: Scope) -> None:
        """Check path, method and secret; a path that says everything is not checked again."""
        rest = scope["path"][len(scope.get("root_path", "")) :]
        given, _, route = rest.rpartition("/api/")
        if f"/api/{route}".rstrip("/").lower() != ROUTE:
            raise RefusedError(404, "there is only POST …/api/pvt/orderForms/simulation here")
        if scope["method"] != "POST":
            raise RefusedError(405, "only POST is answered here")
        if self._secret is None and given:
            raise RefusedError(404, "this connection has no secret in its path")
        if self._secret is not None:
            offered = given.removeprefix("/").encode() or header(scope, SECRET_HEADER)
            if not hmac.compare_digest(offered, self._secret):
                raise RefusedError(401, "the secret is missing or wrong")
        if (self._secret is None or given) and len(self._accepted) < MOST_SPELLINGS:
            self._accepted.add(scope["path"])

    async def _catch_up(self, request: SimulationRequest) -> None:
        """Look for news, as far as the store can be reached."""
        if out_of_touch := self._follower.out_of_touch:
            if out_of_touch > self._stale_for:
                raise RefusedError(
                    503, "prices and stock are not known to be current: the store cannot be reached"
                )
        elif not await self._follower.refresh():
            # Changes are told late while older transactions are under way; the documents are there.
            with contextlib.suppress(RefusedError):
                await self._read_ahead(request, LOOK_AGAIN)

    async def _read_ahead(self, request: SimulationRequest, seconds: float) -> None:
        """Memory is not what the catalog is yet: read what is asked for, or wait until it is."""
        if self._reading >= self._most_reading:
            raise RefusedError(503, "offers are being loaded; ask again")
        self._reading += 1
        try:
            async with asyncio.timeout(seconds):
                await self._read(request)
        except TimeoutError:
            raise RefusedError(503, "offers are being loaded; ask again") from None
        except Exception:  # noqa: BLE001 - the store's, whatever it is
            raise RefusedError(503, "the store cannot be reached; ask again") from None
        finally:
            self._reading -= 1

    async def _read(self, request: SimulationRequest) -> None:
        skus = [item.id for item in request.items]
        if self._variants_by_key:
            await self._follower.read_variants(skus)
        elif self._follower.loaded.is_set():
            await self._follower.read_offered(skus)
        else:
            await self._follower.loaded.wait()

    def _say(self, left_out: Sequence[str]) -> None:
        now = time.monotonic()
        short = dict.fromkeys(sku[:LONGEST_LOGGED] for sku in left_out)
        news = [sku for sku in short if now - self._logged.get(sku, -LOG_EVERY) >= LOG_EVERY]
        if not news:
            return
        if len(self._logged) > MOST_LOGGED:
            self._logged.clear()
        self._logged |= dict.fromkeys(news[:MOST_LOGGED], now)
        self._log.warning(
            "SKUs are asked for that are unknown here or have no price", skus=news[:20], count=len(news)
        )


def _error(text: str) -> bytes:
    return codec.dumps({"error": {"code": "1", "message": text, "exception": None}})


async def _send(send: Send, status: int, body: bytes) -> None:
    headers = [_JSON, (b"content-length", b"%d" % len(body))]
    if status == 503:
        headers.append((b"retry-after", b"1"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
