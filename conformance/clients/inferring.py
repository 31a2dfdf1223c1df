"""Cases of infer: every datatype the client can express, binary and JSON, odd and empty shapes, requested outputs,
classification, compression, concurrency, deadlines, priorities, ids, parameters, and requests that can't be."""

import asyncio

import ml_dtypes
import numpy as np
from harness import SYNC, Wrong, as_bytes, case, expect, expect_equal, expect_same, summary
from tritonclient.utils import InferenceServerException

INFER = "infer"
INF, NAN = float("inf"), float("nan")

# Type and six values, the extremes among them.
PORTABLE = {
    "BOOL": (np.bool_, [True, False, False, True, True, False]),
    "UINT8": (np.uint8, [0, 1, 127, 128, 254, 255]),
    "UINT16": (np.uint16, [0, 1, 255, 256, 65534, 65535]),
    "UINT32": (np.uint32, [0, 1, 2**31 - 1, 2**31, 2**32 - 2, 2**32 - 1]),
    "UINT64": (np.uint64, [0, 1, 2**53 - 1, 2**53 + 1, 2**63, 2**64 - 1]),
    "INT8": (np.int8, [0, 1, -1, 127, -127, -128]),
    "INT16": (np.int16, [0, 1, -1, 32767, -32767, -32768]),
    "INT32": (np.int32, [0, 1, -1, 2**31 - 1, -(2**31) + 1, -(2**31)]),
    "INT64": (np.int64, [0, 1, -1, 2**63 - 1, -(2**53) - 1, -(2**63)]),
    "FP32": (np.float32, [0.0, -0.0, 1 / 3, 3.4028235e38, 1e-45, -1.1754944e-38]),
    "FP64": (np.float64, [0.0, -0.0, 1 / 3, 1.7976931348623157e308, 5e-324, -0.1]),
    "BYTES": (np.object_, ["", "a", "größer", "数字 ⚓", 'quote " and \\ back', "line\nend\ttab"]),
}
HALVES = [0.0, -0.0, 1 / 3, 65504.0, 6e-8, -1.5]
SHAPES = ([1, 1], [2, 3], [3, 2], [6, 1], [0, 3], [2, 0])


def array(dtype, values, shape):
    count = int(np.prod(shape))
    return np.array((values * (count // 6 + 1))[:count], dtype=dtype).reshape(shape)


def make_input(module, name, datatype, data, binary=True):
    tensor = module.InferInput(name, list(data.shape), datatype)
    return tensor.set_data_from_numpy(data, binary_data=binary)


# InferInput and InferRequestedOutput are the same classes in both clients.
def client_classes():
    import tritonclient.http as module

    return module


def types_request(datatype, data, binary):
    """Every input of the model `types`: the one in question as told, the others as one value each."""
    module = client_classes()
    inputs = []
    for name, (dtype, values) in PORTABLE.items():
        given = data if name == datatype else array(dtype, values, [1, 1])
        inputs.append(make_input(module, f"IN_{name}", name, given, binary if name == datatype else True))
    return inputs


def scores_request(rows, binary=True):
    data = np.arange(rows * 4, dtype=np.float32).reshape(rows, 4)
    return [make_input(client_classes(), "x", "FP32", data, binary)]


def pair(rows):
    return np.arange(rows * 16, dtype=np.float32).reshape(rows, 16) / 7, np.full((rows, 16), 0.5, np.float32)


def pair_request(a, b, binary=True):
    module = client_classes()
    return [make_input(module, "INPUT0", "FP32", a, binary), make_input(module, "INPUT1", "FP32", b, binary)]


def wanted(name, **options):
    return client_classes().InferRequestedOutput(name, **options)


async def echo(api, datatype, shape, binary):
    dtype, values = PORTABLE[datatype]
    data = array(dtype, values, shape)
    outputs = [wanted(f"OUT_{datatype}", binary_data=binary)]
    result = await api.call("infer", "types", types_request(datatype, data, binary), outputs=outputs)
    expect_same(result.as_numpy(f"OUT_{datatype}"), data, f"{datatype} {shape}")
    return summary(result)


async def echo_half(api, shape):
    data = array(np.float16, HALVES, shape)
    result = await api.call("infer", "half", [make_input(api.module, "x", "FP16", data)])
    expect_same(result.as_numpy("y"), data, f"FP16 {shape}")
    return summary(result)


for form in (True, False):
    for datatype in PORTABLE:
        for shape in SHAPES:
            name = f"infer/types/{datatype}/{'binary' if form else 'json'}/{'x'.join(map(str, shape))}"
            case(name, INFER, "infer", arguments=(datatype, shape, form))(echo)
for shape in SHAPES:
    case(f"infer/types/FP16/binary/{'x'.join(map(str, shape))}", INFER, "infer", arguments=(shape,))(echo_half)


@case("infer/types/BF16 where FP16 is taken", INFER, "infer")
async def bfloat(api):
    data = np.ones((1, 2), ml_dtypes.bfloat16)
    return await api.refused(400, "infer", "half", [make_input(api.module, "x", "BF16", data)])


@case("infer/types/every one at once", INFER, "infer")
async def every_type(api):
    data = {name: array(dtype, values, [2, 3]) for name, (dtype, values) in PORTABLE.items()}
    inputs = [
        make_input(client_classes(), f"IN_{name}", name, value, binary=index % 2 == 0)
        for index, (name, value) in enumerate(data.items())
    ]
    outputs = [wanted(f"OUT_{name}", binary_data=index % 3 == 0) for index, name in enumerate(reversed(data))]
    result = await api.call("infer", "types", inputs, outputs=outputs)
    for name, value in data.items():
        expect_same(result.as_numpy(f"OUT_{name}"), value, name)
    return sorted(summary(result)["outputs"], key=lambda output: output["name"])


@case("infer/FP16 as JSON", INFER, "infer")
async def half_as_json(api):
    data = np.array([[1.5, -2]], np.float16)
    return await api.refused(400, "infer", "half", [make_input(api.module, "x", "FP16", data, False)])


@case("infer/FP16 answered as JSON", INFER, "infer")
async def half_answer_as_json(api):
    data = np.array([[1.5, -2]], np.float16)
    inputs = [make_input(api.module, "x", "FP16", data)]
    return await api.refused(400, "infer", "half", inputs, outputs=[wanted("y", binary_data=False)])


@case("infer/NaN and infinities", INFER, "infer")
async def not_finite(api):
    data = np.array([[NAN, INF, -INF, -0.0]], np.float32)
    for binary in (True, False):
        inputs = [make_input(api.module, "x", "FP32", data, binary)]
        result = await api.call("infer", "scores", inputs, outputs=[wanted("y", binary_data=binary)])
        expect_same(result.as_numpy("y"), data, "the answer")


@case("infer/strings of raw bytes", INFER, "infer")
async def raw_strings(api):
    data = np.array([b"plain", b"\xff\xfe not UTF-8"], np.object_)
    return await api.refused(400, "infer", "text", [make_input(api.module, "x", "BYTES", data)])


@case("infer/strings with a NUL", INFER, "infer")
async def strings_with_nul(api):
    data = np.array(["a\0b"], np.object_)
    return await api.refused(400, "infer", "text", [make_input(api.module, "x", "BYTES", data)])


@case("infer/long strings", INFER, "infer")
async def long_strings(api):
    data = np.array(["ü" * 10_000, "", "x"], np.object_)
    result = await api.call("infer", "text", [make_input(api.module, "x", "BYTES", data)])
    expect_equal([as_bytes(x) for x in result.as_numpy("y")], [as_bytes(x) for x in data], "the strings")


async def rows_case(api, rows, binary):
    a, b = pair(rows)
    result = await api.call("infer", "add_sub", pair_request(a, b, binary), model_version="1")
    expect_same(result.as_numpy("OUTPUT0"), a + b, "the sum")
    expect_same(result.as_numpy("OUTPUT1"), a - b, "the difference")
    return summary(result)


for rows in (1, 2, 7, 32):
    for form in (True, False):
        name = f"infer/rows/{rows} {'binary' if form else 'json'}"
        case(name, INFER, "infer", arguments=(rows, form))(rows_case)
case("infer/rows/more than a batch", INFER, "infer", arguments=(33, True))(rows_case)
case("infer/rows/none", INFER, "infer", arguments=(0, True))(rows_case)


@case("infer/outputs/one of two", INFER, "infer")
async def one_output(api):
    a, b = pair(2)
    result = await api.call("infer", "add_sub", pair_request(a, b), outputs=[wanted("OUTPUT1")])
    expect(result.as_numpy("OUTPUT0") is None, "an output that was not asked for is there")
    expect_same(result.as_numpy("OUTPUT1"), a - b, "the difference")
    return summary(result)


@case("infer/outputs/in the order asked for, one as JSON", INFER, "infer")
async def output_order(api):
    a, b = pair(2)
    outputs = [wanted("OUTPUT1", binary_data=False), wanted("OUTPUT0", binary_data=True)]
    result = await api.call("infer", "add_sub", pair_request(a, b), outputs=outputs)
    expect_same(result.as_numpy("OUTPUT0"), a + b, "the sum")
    expect_same(result.as_numpy("OUTPUT1"), a - b, "the difference")
    return sorted(summary(result)["outputs"], key=lambda output: output["name"])


@case("infer/outputs/order of the answer", INFER, "infer")
async def answer_order(api):
    outputs = [wanted("OUTPUT1"), wanted("OUTPUT0")]
    result = await api.call("infer", "add_sub", pair_request(*pair(1)), outputs=outputs)
    return [output["name"] for output in result.get_response()["outputs"]]


@case("infer/outputs/of one result", INFER, "InferResult")
async def of_result(api):
    result = await api.call("infer", "scores", scores_request(1), outputs=[wanted("y", binary_data=False)])
    expect_equal(result.get_output("y")["data"], [0, 1, 2, 3], "get_output")
    expect(result.get_output("z") is None and result.as_numpy("z") is None, "an output there is not is there")


async def classes(api, count, rows, binary):
    data = np.array([[0.5, 3, -1, 2]] * rows, np.float32) + np.arange(rows, dtype=np.float32)[:, None]
    outputs = [wanted("y", binary_data=binary, class_count=count)]
    result = await api.call("infer", "scores", [make_input(api.module, "x", "FP32", data)], outputs=outputs)
    seen = [[as_bytes(x).decode().split(":") for x in row] for row in result.as_numpy("y")]
    expect_equal([[int(index) for _, index in row] for row in seen], [[1, 3, 0, 2][:count]] * rows, "the order")
    for row, scores in zip(seen, data):
        for score, index in row:
            expect_equal(np.float32(score), scores[int(index)], "a score")
    return summary(result)["outputs"][0]["shape"]


for count, rows, form in ((1, 1, True), (2, 1, False), (3, 2, True), (9, 2, False)):
    name = f"infer/classification/{count} of 4, {rows} row{'s' if rows > 1 else ''}, {'binary' if form else 'json'}"
    case(name, INFER, "infer", arguments=(count, rows, form))(classes)


@case("infer/classification/text", INFER, "infer")
async def class_text(api):
    data = np.array([[0.1, 3, -1, 1e-8]], np.float32)
    outputs = [wanted("y", class_count=4, binary_data=False)]
    result = await api.call("infer", "scores", [make_input(api.module, "x", "FP32", data)], outputs=outputs)
    return result.get_response()["outputs"][0]["data"]


@case("infer/classification/labels", INFER, "infer", ours_only="pytriton has no labels")
async def labels(api):
    data = np.zeros((1, 1, 28, 28), np.float32)
    outputs = [wanted("logits", class_count=2)]
    result = await api.call("infer", "digits", [make_input(api.module, "image", "FP32", data)], outputs=outputs)
    for text in result.as_numpy("logits")[0]:
        _, index, label = as_bytes(text).decode().split(":")
        expect_equal(label, index, "the label of a digit")


async def compressed(api, request, response):
    data = np.arange(64 * 64, dtype=np.float32).reshape(64, 64)
    options = {"request_compression_algorithm": request, "response_compression_algorithm": response}
    for binary in (True, False):
        outputs = [wanted("OUT_FP32", binary_data=binary)]
        result = await api.call("infer", "types", types_request("FP32", data, binary), outputs=outputs, **options)
        expect_same(result.as_numpy("OUT_FP32"), data, "the answer")


for request in (None, "gzip", "deflate"):
    for response in (None, "gzip", "deflate"):
        case(f"infer/compression/{request}, {response}", INFER, "infer", arguments=(request, response))(compressed)


async def many(api, model_rows):
    """64 requests at once, each with its own numbers and answered with its own."""
    pairs = [pair(model_rows) for _ in range(64)]
    for index, (a, _) in enumerate(pairs):
        a += index
    if api.kind == SYNC:
        with api.open(concurrency=16) as client:
            waiting = [client.async_infer("add_sub", pair_request(a, b), request_id=str(i)) for i, (a, b) in enumerate(pairs)]
            results = [handle.get_result(block=True, timeout=30) for handle in waiting]
    else:
        calls = [api.call("infer", "add_sub", pair_request(a, b), request_id=str(i)) for i, (a, b) in enumerate(pairs)]
        results = await asyncio.gather(*calls)
    for index, (result, (a, b)) in enumerate(zip(results, pairs)):
        expect_equal(result.get_response()["id"], str(index), "the id")
        expect_same(result.as_numpy("OUTPUT0"), a + b, f"sum {index}")
        expect_same(result.as_numpy("OUTPUT1"), a - b, f"difference {index}")


for rows in (1, 5):
    case(f"infer/concurrent/64 of {rows} row{'s' if rows > 1 else ''}", INFER, "async_infer", arguments=(rows,))(many)


@case("infer/concurrent/a refusal among them", INFER, "async_infer")
async def refusal_among(api):
    good, bad = pair_request(*pair(1)), scores_request(1)
    if api.kind == SYNC:
        handles = [api.open().async_infer("add_sub", good if i % 2 else bad) for i in range(8)]
        outcomes = []
        for handle in handles:
            try:
                outcomes.append(handle.get_result() is not None)
            except InferenceServerException as error:
                outcomes.append(error.status())
    else:
        calls = [api.call("infer", "add_sub", good if i % 2 else bad) for i in range(8)]
        answers = await asyncio.gather(*calls, return_exceptions=True)
        outcomes = [answer.status() if isinstance(answer, InferenceServerException) else True for answer in answers]
    expect_equal(outcomes, ["400", True] * 4, "the outcomes")


@case("infer/time/plenty", INFER, "infer")
async def plenty_of_time(api):
    result = await api.call("infer", "add_sub", pair_request(*pair(1)), timeout=20_000_000)
    return summary(result)["outputs"]


@case("infer/time/too little", INFER, "infer")
async def too_little_time(api):
    # The first keeps the model busy, so that the second waits past its time in the queue on any server.
    if api.kind == SYNC:
        with api.open() as client:
            first = client.async_infer("slow", [make_input(api.module, "x", "FP32", np.ones((1, 1), np.float32))])
            try:
                return await api.refused(504, "infer", "slow", one_slow(api), timeout=1000)
            finally:
                first.get_result()
    first = asyncio.ensure_future(api.call("infer", "slow", one_slow(api)))
    await asyncio.sleep(0.02)
    try:
        return await api.refused(504, "infer", "slow", one_slow(api), timeout=1000)
    finally:
        await first


def one_slow(api):
    return [make_input(api.module, "x", "FP32", np.ones((1, 1), np.float32))]


@case("infer/time/the client gives up", INFER, "infer")
async def client_gives_up(api):
    options = {"network_timeout": 0.02} if api.kind == SYNC else {"conn_timeout": 0.02}
    client = api.open(**options)
    try:
        await api.call_on(client, "infer", "slow", one_slow(api))
    except InferenceServerException as error:
        raise Wrong(f"the server answered: {error}") from error
    except Exception:  # noqa: BLE001 - each client has an error of its own for this
        result = await api.call("infer", "slow", one_slow(api))
        expect_same(result.as_numpy("y"), np.ones((1, 1), np.float32), "the answer to the next")
        return
    finally:
        closing = client.close()
        if closing is not None:
            await closing
    raise Wrong("it was answered in time")


async def with_priority(api, priority):
    result = await api.call("infer", "add_sub", pair_request(*pair(1)), priority=priority)
    return summary(result)["outputs"]


for priority in (1, 3, 4):
    case(f"infer/priority/{priority}", INFER, "infer", arguments=(priority,))(with_priority)


@case("infer/priority/a level there is not", INFER, "infer")
async def absent_priority(api):
    return await api.refused(400, "infer", "add_sub", pair_request(*pair(1)), priority=9)


async def with_id(api, request_id):
    result = await api.call("infer", "scores", scores_request(1), request_id=request_id)
    expect_equal(result.get_response().get("id"), request_id, "the id")


for request_id in ("1", "a b/c", "größer ⚓", 'quote " \\', "x" * 500):
    case(f"infer/ids/{request_id[:12]}", INFER, "infer", arguments=(request_id,))(with_id)


@case("infer/ids/none", INFER, "infer")
async def no_id(api):
    return (await api.call("infer", "scores", scores_request(1))).get_response().get("id")


@case("infer/headers, query and parameters", INFER, "infer")
async def with_everything(api):
    result = await api.call(
        "infer",
        "scores",
        scores_request(2),
        headers={"x-request-id": "mine", "x-other": "1"},
        query_params={"a": 1, "b": [2, 3]},
        parameters={"text": "x", "count": 3, "ratio": 0.5, "flag": True},
    )
    return summary(result)["outputs"]


for sequence_id in (7, "seven"):

    @case(f"infer/sequence/{sequence_id!r}", INFER, "infer", arguments=(sequence_id,))
    async def in_sequence(api, sequence_id):
        options = {"sequence_id": sequence_id, "sequence_start": True, "sequence_end": True}
        result = await api.call("infer", "scores", scores_request(1), **options)
        return summary(result)["outputs"]


@case("infer/shared memory/input", INFER, "infer")
async def shared_input(api):
    tensor = api.module.InferInput("x", [1, 4], "FP32")
    tensor.set_shared_memory("region", 16)
    return await api.refused(501, "infer", "scores", [tensor])


@case("infer/shared memory/output", INFER, "infer")
async def shared_output(api):
    output = wanted("y")
    output.set_shared_memory("region", 16)
    return await api.refused(501, "infer", "scores", scores_request(1), outputs=[output])


@case("infer/shared memory/set and unset", INFER, "infer")
async def unshared_output(api):
    output = wanted("y")
    output.set_shared_memory("region", 16)
    output.unset_shared_memory()
    result = await api.call("infer", "scores", scores_request(1), outputs=[output])
    return summary(result)["outputs"]


def bad(name, status, make, model="add_sub", **options):
    @case(f"infer/refused/{name}", INFER, "infer")
    async def refused(api):
        return await api.refused(status, "infer", model, make(api), **options)


def first_only(api):
    return pair_request(*pair(1))[:1]


def one_more(api):
    return [*pair_request(*pair(1)), *scores_request(1)]


def renamed(api):
    return [make_input(api.module, name, "FP32", data) for name, data in zip(("INPUT0", "INPUT2"), pair(1))]


def integers(api):
    return [make_input(api.module, f"INPUT{i}", "INT32", np.ones((1, 16), np.int32)) for i in range(2)]


def other_width(api):
    return pair_request(np.ones((1, 15), np.float32), np.ones((1, 15), np.float32))


def other_rank(api):
    return pair_request(np.ones((16,), np.float32), np.ones((16,), np.float32))


def uneven_rows(api):
    return pair_request(np.ones((1, 16), np.float32), np.ones((2, 16), np.float32))


def twice(api):
    return [*pair_request(*pair(1)), *pair_request(*pair(1))[:1]]


def sound(api):
    return pair_request(*pair(1))


bad("an input is missing", 400, first_only)
bad("no input at all", 400, lambda api: [])
bad("an input too many", 400, one_more)
bad("an unknown input", 400, renamed)
bad("another datatype", 400, integers)
bad("another width", 400, other_width)
bad("another rank", 400, other_rank)
bad("uneven rows", 400, uneven_rows)
bad("an input twice", 400, twice)
bad("an unknown output", 400, sound, outputs=[wanted("OUTPUT9")])
bad("an unknown output beside a known one", 400, sound, outputs=[wanted("OUTPUT0"), wanted("OUTPUT9")])
bad("an output twice", 400, sound, outputs=[wanted("OUTPUT0"), wanted("OUTPUT0")])
bad("an absent model", 404, sound, model="absent")
bad("a name that is none", 404, sound, model="no such/name")
bad("an absent version", 404, sound, model_version="9")


@case("infer/classification/of strings", INFER, "infer", ours_only="Triton 2.51 ends with a segmentation fault")
async def classes_of_strings(api):
    inputs = [make_input(api.module, "x", "BYTES", np.array(["a", "b"], np.object_))]
    return await api.refused(400, "infer", "text", inputs, outputs=[wanted("y", class_count=1)])


@case("infer/bodies made and read by hand", INFER, "generate_request_body", also=("parse_response_body",))
async def by_hand(api):
    a, b = pair(3)
    client = api.module.InferenceServerClient
    body, length = client.generate_request_body(pair_request(a, b), request_id="by hand")
    headers = {"Inference-Header-Content-Length": str(length)}
    reply = api.wire("POST", "/v2/models/add_sub/infer", body, headers).expect(200)
    header_length = int(reply.headers["inference-header-content-length"])
    result = client.parse_response_body(reply.body, header_length=header_length)
    expect_equal(result.get_response()["id"], "by hand", "the id")
    expect_same(result.as_numpy("OUTPUT0"), a + b, "the sum")
    return summary(result)
