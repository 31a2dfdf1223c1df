"""Cases of the wire itself, asked with Python's own HTTP client: what tritonclient never sends, and what it hides of the
answer. They pin the protocol where its text leaves room, by what Triton does."""

import gzip
import json
import struct
import zlib

from harness import WIRE, case, expect, expect_equal

SCORES = "/v2/models/scores/infer"
TEXT = "/v2/models/text/infer"
ROW = {"name": "x", "shape": [1, 4], "datatype": "FP32", "data": [0, 1, 2, 3]}


def wire(name, route, method):
    return case(f"wire/{name}", route, method, clients=(WIRE,))


def request(**changes):
    """A sound request of the model `scores`, its one input changed."""
    return {"inputs": [{**ROW, **changes}]}


def values(reply):
    return reply.expect(200).json()["outputs"][0]["data"]


def accepted(name, body, wanted, target=SCORES, headers=None):
    """The body is answered with these values."""

    @wire(f"accepted/{name}", "infer", "POST")
    async def answered(api):
        text = body if isinstance(body, (bytes, str)) else json.dumps(body)
        seen = values(api.wire("POST", target, text, headers))
        expect_equal(seen, wanted, "the values")


def refused(name, body, status=400, target=SCORES, headers=None):
    """The body is refused with this status and an error in JSON."""

    @wire(f"refused/{name}", "infer", "POST")
    async def answered(api):
        text = body if isinstance(body, (bytes, str)) else json.dumps(body)
        reply = api.wire("POST", target, text, headers).expect(status)
        expect(len(reply.json()["error"]) > 5, "there is no error text")
        return status


FLOATS = [0.0, 1.0, 2.0, 3.0]
accepted("flat", request(), FLOATS)
accepted("nested", request(data=[[0, 1, 2, 3]]), FLOATS)
accepted("two rows nested", request(shape=[2, 4], data=[[0, 1, 2, 3], [4, 5, 6, 7]]), [float(i) for i in range(8)])
accepted("exponents", json.dumps(request()).replace("[0, 1, 2, 3]", "[0e0, 1E0, 0.2e1, 30e-1]"), FLOATS)
accepted("white space", json.dumps(request(), indent=3) + "\n\t ", FLOATS)
accepted("other order of keys", {"inputs": [{k: ROW[k] for k in ("data", "datatype", "shape", "name")}]}, FLOATS)
accepted("unknown keys", {"extra": {"a": [1]}, **request(extra=[{}])}, FLOATS)
accepted("an empty list of outputs", {**request(), "outputs": []}, FLOATS)
accepted("no parameters", {**request(parameters={}), "parameters": {}}, FLOATS)
accepted("a content type of its own", request(), FLOATS, headers={"Content-Type": "text/plain"})
accepted("a number of 40 digits", json.dumps(request()).replace("3]", "3.0000000000000000000000000000000000000001]"), FLOATS)
accepted("escapes in names", json.dumps(request()).replace('"x"', '"\\u0078"'), FLOATS)
accepted("escapes in strings", {"inputs": [{"name": "x", "shape": [2], "datatype": "BYTES", "data": ["\u0001\"\\", "⚓"]}]}, ["\u0001\"\\", "⚓"], TEXT)
accepted("null for the id", {**request(), "id": None}, FLOATS)
accepted("null for the outputs", {**request(), "outputs": None}, FLOATS)
accepted("null for the parameters", {**request(), "parameters": None}, FLOATS)
accepted("header length of a JSON body", request(), FLOATS, headers={"Inference-Header-Content-Length": str(len(json.dumps(request())))})

refused("no JSON", "hello")
refused("nothing", b"")
refused("an array", [])
refused("cut short", json.dumps(request())[:-3])
refused("more after the end", json.dumps(request()) + "x")
refused("no inputs", {"id": "1"})
refused("inputs that are no list", {"inputs": {}})
refused("an id that is a number", {**request(), "id": 7})
refused("no name", {"inputs": [{k: v for k, v in ROW.items() if k != "name"}]})
refused("no shape", {"inputs": [{k: v for k, v in ROW.items() if k != "shape"}]})
refused("no datatype", {"inputs": [{k: v for k, v in ROW.items() if k != "datatype"}]})
refused("no data", {"inputs": [{k: v for k, v in ROW.items() if k != "data"}]})
refused("a datatype there is not", request(datatype="FP31"))
refused("a datatype in small letters", request(datatype="fp32"))
refused("a negative axis", request(shape=[-1, 4]))
refused("an axis that is no whole number", request(shape=[1.5, 4]))
refused("an axis in quotes", request(shape=["1", 4]))
refused("too few values", request(data=[0, 1, 2]))
refused("too many values", request(data=[0, 1, 2, 3, 4]))
refused("a string among numbers", request(data=[0, "1", 2, 3]))
refused("null among numbers", request(data=[0, None, 2, 3]))
refused("true among numbers", request(data=[0, True, 2, 3]))
refused("numbers among strings", {"inputs": [{"name": "x", "shape": [1], "datatype": "BYTES", "data": [1]}]}, target=TEXT)
refused("nested against the shape", request(data=[[0, 1], [2, 3]]))
refused("a header length past the body", request(), headers={"Inference-Header-Content-Length": "9999"})
refused("a header length that is negative", request(), headers={"Inference-Header-Content-Length": "-1"})
refused("a header length in words", request(), headers={"Inference-Header-Content-Length": "many"})
refused("a coding that is not true", request(), headers={"Content-Encoding": "gzip"})
refused("a priority that is text", {**request(), "parameters": {"priority": "high"}})
refused("a timeout that is text", {**request(), "parameters": {"timeout": "soon"}})
refused("a timeout below 0", {**request(), "parameters": {"timeout": -1}})
refused("a list as parameter", {**request(), "parameters": {"a": [1]}})
refused("a key twice", json.dumps(request()).replace('"name"', '"name": "x", "name"'))


def with_type(name, datatype, data, status, wanted=None):
    """One value of a type in the model `types`, all others left as they are."""

    @wire(f"values/{name}", "infer", "POST")
    async def value(api):
        from inferring import PORTABLE

        inputs = []
        for key, (dtype, known) in PORTABLE.items():
            one = known[1] if key == "BYTES" else dtype(known[0]).item()
            given = data if key == datatype else [one]
            inputs.append({"name": f"IN_{key}", "shape": [1, 1], "datatype": key, "data": given})
        body = {"inputs": inputs, "outputs": [{"name": f"OUT_{datatype}"}]}
        reply = api.wire("POST", "/v2/models/types/infer", json.dumps(body)).expect(status)
        if status == 200:
            expect_equal(repr(reply.json()["outputs"][0]["data"]), repr(wanted), "the value")
        return status


with_type("a bool as 1", "BOOL", [1], 200, [True])
with_type("a bool as 2", "BOOL", [2], 400)
with_type("a bool in quotes", "BOOL", ["true"], 400)
with_type("an INT32 as 2.0", "INT32", [2.0], 200, [2])
with_type("an INT32 as 2.5", "INT32", [2.5], 400)
with_type("a UINT8 as 256", "UINT8", [256], 400)
with_type("a UINT8 as -1", "UINT8", [-1], 400)
with_type("an INT8 as 128", "INT8", [128], 400)
with_type("an INT64 past its end", "INT64", [2**63], 400)
with_type("a UINT64 at its end", "UINT64", [2**64 - 1], 200, [2**64 - 1])
with_type("an FP32 past its end", "FP32", [1e39], 400)
with_type("an FP64 at its end", "FP64", [1.7976931348623157e308], 200, [1.7976931348623157e308])


def binary(inputs, data, **more):
    text = json.dumps({"inputs": inputs, **more}).encode()
    return text + data, {"Inference-Header-Content-Length": str(len(text)), "Content-Type": "application/octet-stream"}


def binary_row(size=16, **changes):
    return {"name": "x", "shape": [1, 4], "datatype": "FP32", "parameters": {"binary_data_size": size}, **changes}


@wire("binary/answered as JSON unless asked", "infer", "POST")
async def binary_in_json_out(api):
    reply = api.wire("POST", SCORES, *binary([binary_row()], struct.pack("<4f", *FLOATS)))
    expect("inference-header-content-length" not in reply.headers, "the answer is binary")
    expect_equal(values(reply), FLOATS, "the values")


@wire("binary/asked for by request", "infer", "POST")
async def binary_out(api):
    body, headers = binary([binary_row()], struct.pack("<4f", *FLOATS), parameters={"binary_data_output": True})
    reply = api.wire("POST", SCORES, body, headers).expect(200)
    head, data = reply.parts()
    expect_equal(head["outputs"][0]["parameters"]["binary_data_size"], 16, "the size")
    expect_equal(struct.unpack("<4f", data), tuple(FLOATS), "the values")
    return reply.headers["content-type"]


@wire("binary/the output's word beats the request's", "infer", "POST")
async def binary_overridden(api):
    more = {"parameters": {"binary_data_output": True}, "outputs": [{"name": "y", "parameters": {"binary_data": False}}]}
    reply = api.wire("POST", SCORES, *binary([binary_row()], struct.pack("<4f", *FLOATS), **more))
    expect_equal(values(reply), FLOATS, "the values")


def bad_binary(name, inputs, data, status=400, **more):
    @wire(f"binary/refused/{name}", "infer", "POST")
    async def answered(api):
        reply = api.wire("POST", SCORES, *binary(inputs, data, **more)).expect(status)
        expect(len(reply.json()["error"]) > 5, "there is no error text")
        return status


bad_binary("a size that is not the shape's", [binary_row(12)], bytes(12))
bad_binary("less than was declared", [binary_row()], bytes(12))
bad_binary("more than was declared", [binary_row()], bytes(20))
bad_binary("a size below 0", [binary_row(-1)], bytes(16))
bad_binary("a size in quotes", [binary_row("16")], bytes(16))
bad_binary("bytes that no input declares", [ROW], bytes(4))
bad_binary("size and data", [{**binary_row(), "data": [0, 1, 2, 3]}], bytes(16))


def raw(name, target, body, status, wanted=None):
    @wire(f"raw/{name}", "infer", "POST")
    async def answered(api):
        headers = {"Inference-Header-Content-Length": "0"}
        reply = api.wire("POST", target, body, headers).expect(status)
        if status != 200:
            return status
        head, data = reply.parts()
        expect_equal(data, wanted, "the bytes")
        return head["outputs"]


raw("a row", SCORES, struct.pack("<4f", *FLOATS), 200, struct.pack("<4f", *FLOATS))
raw("a string", TEXT, b"any bytes", 200, struct.pack("<I", 9) + b"any bytes")
raw("a size that fits no shape", SCORES, bytes(15), 400)
raw("a model of two inputs", "/v2/models/add_sub/infer", bytes(64), 400)


@wire("compression/what comes back", "infer", "POST")
async def codings(api):
    data = list(range(4096))
    body = json.dumps({"inputs": [{**ROW, "shape": [32, 4], "data": data[:128]}]})
    seen = {}
    for accepted in ("gzip", "deflate", "gzip, deflate", "br", "identity", "gzip;q=0, deflate"):
        reply = api.wire("POST", SCORES, body, {"Accept-Encoding": accepted}).expect(200)
        coding = reply.headers.get("content-encoding")
        plain = {"gzip": gzip.decompress, "deflate": zlib.decompress, None: bytes}[coding](reply.body)
        expect_equal(json.loads(plain)["outputs"][0]["data"], [float(i) for i in range(128)], accepted)
        seen[accepted] = coding
    return seen


@wire("compression/of a large answer", "infer", "POST")
async def large_codings(api):
    from inferring import PORTABLE

    inputs = []
    for key, (dtype, known) in PORTABLE.items():
        one = known[1] if key == "BYTES" else dtype(known[0]).item()
        shape, given = ([64, 64], list(range(4096))) if key == "FP32" else ([1, 1], [one])
        inputs.append({"name": f"IN_{key}", "shape": shape, "datatype": key, "data": given})
    body = json.dumps({"inputs": inputs, "outputs": [{"name": "OUT_FP32"}]})
    seen = {}
    for accepted in ("gzip", "deflate", "gzip, deflate", "identity"):
        reply = api.wire("POST", "/v2/models/types/infer", body, {"Accept-Encoding": accepted}).expect(200)
        coding = reply.headers.get("content-encoding")
        plain = {"gzip": gzip.decompress, "deflate": zlib.decompress, None: bytes}[coding](reply.body)
        expect_equal(json.loads(plain)["outputs"][0]["data"], [float(i) for i in range(4096)], accepted)
        seen[accepted] = coding
    return seen


@wire("compression/of a request in upper case", "infer", "POST")
async def upper_case_coding(api):
    body = gzip.compress(json.dumps(request()).encode())
    reply = api.wire("POST", SCORES, body, {"Content-Encoding": "GZIP"})
    expect_equal(values(reply), FLOATS, "the values")


@wire("compression/a coding there is not", "infer", "POST")
async def absent_coding(api):
    return api.wire("POST", SCORES, json.dumps(request()), {"Content-Encoding": "br"}).expect(415).status


@wire("framing/chunked", "infer", "POST")
async def chunked(api):
    text = json.dumps(request()).encode()
    headers = {"Transfer-Encoding": "chunked"}
    reply = api.wire("POST", SCORES, [text[:10], text[10:]], headers, is_chunked=True)
    expect_equal(values(reply), FLOATS, "the values")


def answer_of(name, route, method, target, status, body=None):
    @wire(f"routes/{name}", route, method)
    async def answered(api):
        return api.wire(method, target, body).expect(status).status


answer_of("server with a slash after it", "metadata", "GET", "/v2/", 200)
answer_of("model with a slash after it", "metadata", "GET", "/v2/models/scores/", 404)
answer_of("no route", "metadata", "GET", "/v2/nothing", 404)
answer_of("the root", "metadata", "GET", "/", 404)
answer_of("another version of the protocol", "metadata", "GET", "/v1/models/scores", 404)
answer_of("a version in words", "metadata", "GET", "/v2/models/scores/versions/latest", 404)
answer_of("infer with GET", "infer", "GET", SCORES, 405)
answer_of("metadata with POST", "metadata", "POST", "/v2/models/scores", 405, "{}")
answer_of("health with POST", "health", "POST", "/v2/health/live", 405, "")
answer_of("not ready", "health", "GET", "/v2/models/absent/ready", 404)
answer_of("a name in percent escapes", "metadata", "GET", "/v2/models/%73cores", 200)
answer_of("models", "repository", "GET", "/v2/models", 200)
answer_of("generate", "infer", "POST", "/v2/models/scores/generate", 501, '{"text_input":"a"}')


@wire("health/bodies", "health", "GET")
async def health_bodies(api):
    live, ready, model = (
        api.wire("GET", target).expect(200)
        for target in ("/v2/health/live", "/v2/health/ready", "/v2/models/scores/ready")
    )
    return [reply.body.decode() for reply in (live, ready, model)]


@wire("infer/keys of the answer", "infer", "POST")
async def answer_keys(api):
    answer = api.wire("POST", SCORES, json.dumps({**request(), "id": "1"})).expect(200).json()
    return [sorted(answer), sorted(answer["outputs"][0])]


@wire("infer/whole numbers in FP32", "infer", "POST")
async def whole_numbers(api):
    body = api.wire("POST", SCORES, json.dumps(request())).expect(200).body.decode()
    return body[body.index('"data"') :].split("]")[0]


@wire("errors/type of the body", "infer", "POST")
async def error_type(api):
    reply = api.wire("POST", SCORES, "hello").expect(400)
    return [reply.headers.get("content-type"), sorted(reply.json())]
