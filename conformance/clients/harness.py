"""What the cases of this folder stand on: a case is a coroutine that asks a server through one of tritonclient's two HTTP
clients, or through http.client where the wire itself is looked at, asserts on what comes back, and answers what it saw.
Each outcome is printed as one line of JSON, so that two servers' outcomes can be laid side by side."""

import hashlib
import http.client
import inspect
import json
from dataclasses import dataclass
from urllib.parse import urlsplit

import numpy as np
import tritonclient.http as sync_client
import tritonclient.http.aio as asyncio_client
from tritonclient.utils import InferenceServerException

SYNC, ASYNCIO, WIRE = "sync", "asyncio", "wire"
BOTH = (SYNC, ASYNCIO)

CASES = []


@dataclass(frozen=True)
class Case:
    """One thing asked, by each of `clients`; `route` and `method` are what results are counted by."""

    name: str
    route: str
    method: str
    function: object
    clients: tuple = BOTH
    arguments: tuple = ()
    # Why the reference is not asked.
    ours_only: str = ""
    # Further methods it calls.
    also: tuple = ()


def case(name, route, method, clients=BOTH, arguments=(), ours_only="", also=()):
    """Registers a coroutine `f(api, *arguments)` as a case."""

    def register(function):
        CASES.append(Case(name, route, method, function, clients, arguments, ours_only, also))
        return function

    return register


class Wrong(AssertionError):
    """What came back is not what the protocol or the arithmetic says."""


def expect(condition, text):
    if not condition:
        raise Wrong(text)


def expect_equal(seen, wanted, what):
    expect(seen == wanted, f"{what} is {seen!r:.300}; it should be {wanted!r:.300}")


def expect_same(seen, wanted, what):
    """Arrays of one type and shape, equal bit for bit; a NaN is like any other."""
    expect(seen is not None, f"{what} is missing")
    expect_equal(list(seen.shape), list(wanted.shape), f"the shape of {what}")
    if wanted.dtype == np.object_:
        expect_equal([as_bytes(x) for x in seen.ravel()], [as_bytes(x) for x in wanted.ravel()], what)
        return
    expect_equal(seen.dtype, wanted.dtype, f"the type of {what}")
    if wanted.dtype.kind == "f":
        same = np.array_equal(seen, wanted, equal_nan=True) and np.array_equal(np.signbit(seen), np.signbit(wanted))
    else:
        same = seen.tobytes() == wanted.tobytes()
    expect(same, f"{what} is {seen}, not {wanted}")


def as_bytes(value):
    return value.encode() if isinstance(value, str) else bytes(value)


def listing(array):
    """An array in a few words: its elements, or a digest where there are many."""
    if array is None:
        return None
    if array.size > 16:
        return hashlib.sha256(array.tobytes()).hexdigest()[:16] if array.dtype != np.object_ else array.size
    return [as_bytes(x).decode("utf-8", "replace") if array.dtype == np.object_ else repr(x.item()) for x in array.ravel()]


def summary(result):
    """What an InferResult holds, as plain data; ids that a server makes are left out."""
    response = result.get_response()
    return {
        "id": response.get("id"),
        "model": [response["model_name"], response.get("model_version")],
        "outputs": [
            {
                "name": output["name"],
                "shape": output["shape"],
                "datatype": output["datatype"],
                "binary": "binary_data_size" in output.get("parameters", {}),
                "values": listing(result.as_numpy(output["name"])),
            }
            for output in response["outputs"]
        ],
    }


class Api:
    """One server, asked through one client."""

    def __init__(self, kind, options):
        self.kind = kind
        self.address = urlsplit(options.url).netloc
        self.admin_address = urlsplit(options.admin).netloc
        self.admin_token = options.admin_token
        # Triton restricts what changes a server to callers who know this; others need not look at it.
        self.headers = {"triton-access-token": options.token} if options.token else None
        self.module = asyncio_client if kind == ASYNCIO else sync_client
        self.client = None

    def open(self, **options):
        return self.open_at(self.address, **options)

    def open_at(self, address, **options):
        if self.kind == SYNC:
            options = {"concurrency": 8, **options}
        return self.module.InferenceServerClient(address, **options)

    async def call(self, method, *arguments, **options):
        if self.client is None:
            self.client = self.open()
        return await self.call_on(self.client, method, *arguments, **options)

    async def call_on(self, client, method, *arguments, **options):
        answer = getattr(client, method)(*arguments, **options)
        return await answer if inspect.isawaitable(answer) else answer

    async def refused(self, status, method, *arguments, **options):
        """The call must be refused with this status and a text."""
        try:
            answer = await self.call(method, *arguments, **options)
        except InferenceServerException as error:
            expect_equal(error.status(), str(status), f"the status ({error.message()})")
            expect(len(error.message() or "") > 5, "the error has no text")
            return {"refused": status}
        raise Wrong(f"it was answered: {str(answer)[:200]}")

    async def close(self):
        if self.client is not None:
            closing = self.client.close()
            if inspect.isawaitable(closing):
                await closing

    def wire(self, method, target, body=None, headers=None, is_chunked=False):
        """One request through Python's own HTTP client; nothing of tritonclient is between us and the wire."""
        connection = http.client.HTTPConnection(self.address, timeout=20)
        try:
            if is_chunked:
                connection.request(method, target, body=iter(body), headers=headers or {}, encode_chunked=True)
            else:
                connection.request(method, target, body=body, headers=headers or {})
            response = connection.getresponse()
            return Reply(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        finally:
            connection.close()


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict
    body: bytes

    def json(self):
        return json.loads(self.body)

    def expect(self, status):
        expect_equal(self.status, status, f"the status ({self.body[:200]!r})")
        return self

    def parts(self):
        """The JSON of an answer and the bytes after it."""
        length = self.headers.get("inference-header-content-length")
        if length is None:
            return self.json(), b""
        return json.loads(self.body[: int(length)]), self.body[int(length) :]


def clients_of(case, is_short):
    """A short run asks for each datatype through one client, and for everything else through both."""
    return case.clients[:1] if is_short and case.name.startswith("infer/types/") else case.clients


async def outcome_of(case, api):
    try:
        return {"ok": True, "seen": await case.function(api, *case.arguments)}
    except (Wrong, InferenceServerException) as error:
        return {"ok": False, "seen": first_line(error)}
    except Exception as error:  # noqa: BLE001 - whatever a client raises is an outcome
        return {"ok": False, "seen": f"{type(error).__name__}: {first_line(error)}"}


def first_line(error):
    """A server's message may carry a traceback behind it."""
    return (f"{error}".splitlines() or [""])[0][:500]


async def run_cases(options):
    """Runs every case and prints its outcome."""
    apis = {kind: Api(kind, options) for kind in (SYNC, ASYNCIO, WIRE)}
    for case in CASES:
        if options.reference and case.ours_only:
            continue
        for kind in clients_of(case, options.short):
            line = {"case": case.name, "client": kind, "route": case.route, "method": case.method}
            line.update(await outcome_of(case, apis[kind]))
            if case.ours_only:
                line["oursOnly"] = case.ours_only
            print(json.dumps(line, default=str), flush=True)
    for api in apis.values():
        await api.close()
