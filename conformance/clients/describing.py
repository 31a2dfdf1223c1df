"""Cases of the routes that describe and control: health, metadata, configuration, statistics, repository, trace, log
settings and shared memory. What Slipway does not offer must be refused with a status and a text, and change nothing."""

from harness import CASES, Wrong, case, expect, expect_equal
from tritonclient.utils import InferenceServerException

HEALTH, METADATA, CONFIG, STATISTICS = "health", "metadata", "config", "statistics"
REPOSITORY, TRACE, LOGGING, SHARED_MEMORY = "repository", "trace", "logging", "shared memory"
PYTRITON_ONE_PORT = "Triton controls on the port that infers"
MODELS = ("add_sub", "scores", "text", "types", "half", "slow")


@case("health/live", HEALTH, "is_server_live")
async def live(api):
    expect_equal(await api.call("is_server_live"), True, "live")


@case("health/ready", HEALTH, "is_server_ready")
async def ready(api):
    expect_equal(await api.call("is_server_ready"), True, "ready")


@case("health/headers and query", HEALTH, "is_server_live")
async def health_with_more(api):
    answer = await api.call("is_server_live", headers={"x-trace": "a"}, query_params={"a": 1, "b": ["x", "y z"]})
    expect_equal(answer, True, "live")


@case("health/model", HEALTH, "is_model_ready")
async def model_ready(api):
    for name in MODELS:
        expect_equal(await api.call("is_model_ready", name), True, f"{name} is ready")
        expect_equal(await api.call("is_model_ready", name, "1"), True, f"{name}, version 1, is ready")


@case("health/model that is not there", HEALTH, "is_model_ready")
async def absent_not_ready(api):
    expect_equal(await api.call("is_model_ready", "absent"), False, "an absent model is ready")
    expect_equal(await api.call("is_model_ready", "add_sub", "9"), False, "an absent version is ready")


@case("metadata/server", METADATA, "get_server_metadata")
async def server_metadata(api):
    metadata = await api.call("get_server_metadata")
    expect(metadata["name"] and metadata["version"], "name or version is empty")
    for needed in ("binary_tensor_data", "classification", "model_configuration", "statistics"):
        expect(needed in metadata["extensions"], f"{needed} is not among the extensions")
    return sorted(metadata)


@case("metadata/extensions", METADATA, "get_server_metadata")
async def extensions(api):
    return sorted((await api.call("get_server_metadata"))["extensions"])


def tensors(ports):
    return sorted((port["name"], port["datatype"], tuple(port["shape"])) for port in ports)


@case("metadata/model", METADATA, "get_model_metadata")
async def model_metadata(api):
    metadata = await api.call("get_model_metadata", "add_sub")
    expect_equal(tensors(metadata["inputs"]), [("INPUT0", "FP32", (-1, 16)), ("INPUT1", "FP32", (-1, 16))], "inputs")
    expect_equal(tensors(metadata["outputs"]), [("OUTPUT0", "FP32", (-1, 16)), ("OUTPUT1", "FP32", (-1, 16))], "outputs")
    expect_equal((metadata["name"], metadata["versions"]), ("add_sub", ["1"]), "name and versions")
    return sorted(metadata)


@case("metadata/platform", METADATA, "get_model_metadata")
async def platform(api):
    return (await api.call("get_model_metadata", "add_sub"))["platform"]


@case("metadata/every model", METADATA, "get_model_metadata")
async def every_metadata(api):
    found = {}
    for name in MODELS:
        plain, pinned = await api.call("get_model_metadata", name), await api.call("get_model_metadata", name, "1")
        expect_equal(plain, pinned, f"the metadata of {name} with its version")
        found[name] = [tensors(plain["inputs"]), tensors(plain["outputs"])]
    return found


@case("metadata/absent model", METADATA, "get_model_metadata")
async def absent_metadata(api):
    return await api.refused(404, "get_model_metadata", "absent")


@case("metadata/absent version", METADATA, "get_model_metadata")
async def absent_version_metadata(api):
    return await api.refused(404, "get_model_metadata", "add_sub", "9")


@case("config/of a batched model", CONFIG, "get_model_config")
async def batched_config(api):
    config = await api.call("get_model_config", "add_sub")
    expect(config["max_batch_size"] > 1, "it is not batched")
    expect_equal([i["dims"] for i in config["input"]], [[16], [16]], "dims, which leave out the batch axis")
    expect_equal([i["data_type"] for i in config["input"]], ["TYPE_FP32"] * 2, "types")
    policy = config["dynamic_batching"]["default_queue_policy"]
    expect_equal(policy["allow_timeout_override"], True, "whether a request may set its own timeout")
    return {
        "input": sorted(config["input"][0]),
        "output": sorted(config["output"][0]),
        "batching": sorted(config["dynamic_batching"]),
        "policy": sorted(policy),
        "levels": config["dynamic_batching"]["priority_levels"],
        "priority": config["dynamic_batching"]["default_priority_level"],
    }


@case("config/keys", CONFIG, "get_model_config")
async def config_keys(api):
    return sorted(await api.call("get_model_config", "add_sub", "1"))


@case("config/most rows", CONFIG, "get_model_config")
async def most_rows(api):
    return (await api.call("get_model_config", "add_sub"))["max_batch_size"]


@case("config/of an unbatched model", CONFIG, "get_model_config")
async def unbatched_config(api):
    config = await api.call("get_model_config", "types")
    expect_equal(config["max_batch_size"], 0, "max_batch_size")
    expect_equal({tuple(i["dims"]) for i in config["input"]}, {(-1, -1)}, "dims")
    return sorted((i["name"], i["data_type"]) for i in config["input"])


@case("config/absent", CONFIG, "get_model_config")
async def absent_config(api):
    await api.refused(404, "get_model_config", "absent")
    return await api.refused(404, "get_model_config", "add_sub", "9")


@case("statistics/form", STATISTICS, "get_inference_statistics")
async def statistics_form(api):
    (one,) = (await api.call("get_inference_statistics", "scores", headers=api.headers))["model_stats"]
    expect_equal((one["name"], one["version"]), ("scores", "1"), "whose they are")
    for duration in one["inference_stats"].values():
        expect(duration["count"] >= 0 and duration["ns"] >= 0, "a count is negative")
    return {"model": sorted(one), "stages": sorted(one["inference_stats"])}


@case("statistics/count what is answered", STATISTICS, "get_inference_statistics")
async def statistics_count(api):
    async def of_scores():
        return (await api.call("get_inference_statistics", "scores", "1", headers=api.headers))["model_stats"][0]

    from inferring import scores_request

    before = await of_scores()
    for rows in (1, 3):
        await api.call("infer", "scores", scores_request(rows))
    after = await of_scores()
    expect_equal(after["inference_count"] - before["inference_count"], 4, "rows counted for requests of 1 and 3")
    executions = after["execution_count"] - before["execution_count"]
    expect_equal(executions, 2, "runs counted for two requests, one after the other")
    done = after["inference_stats"]["success"]["count"] - before["inference_stats"]["success"]["count"]
    expect_equal(done, 2, "requests counted")
    expect(after["last_inference"] > 1.6e12, "last_inference is not in milliseconds")
    sizes = {batch["batch_size"] for batch in after["batch_stats"]}
    expect({1, 3} <= sizes, f"batch_stats tells of {sizes}")


@case("statistics/of all", STATISTICS, "get_inference_statistics")
async def all_statistics(api):
    stats = (await api.call("get_inference_statistics", headers=api.headers))["model_stats"]
    names = {one["name"] for one in stats}
    expect(set(MODELS) <= names, f"there are only {names}")


@case("statistics/absent", STATISTICS, "get_inference_statistics")
async def absent_statistics(api):
    await api.refused(404, "get_inference_statistics", "absent", headers=api.headers)
    return await api.refused(404, "get_inference_statistics", "add_sub", "9", headers=api.headers)


@case("repository/index", REPOSITORY, "get_model_repository_index")
async def repository_index(api):
    index = await api.call("get_model_repository_index", headers=api.headers)
    states = {entry["name"]: (entry["version"], entry["state"]) for entry in index}
    for name in MODELS:
        expect_equal(states.get(name), ("1", "READY"), name)
    return sorted({key for entry in index for key in entry})


# Triton's explicit mode would load a model that is there; a model that is absent keeps the reference as it is.
@case("repository/load", REPOSITORY, "load_model")
async def load(api):
    return await api.refused(403, "load_model", "absent", headers=api.headers)


@case("repository/load with files", REPOSITORY, "load_model")
async def load_files(api):
    options = {"config": "not JSON", "files": {"file:1/model.onnx": b"bytes"}, "headers": api.headers}
    return await api.refused(403, "load_model", "absent", **options)


@case("repository/unload", REPOSITORY, "unload_model")
async def unload(api):
    for dependents in (False, True):
        await api.refused(403, "unload_model", "add_sub_2", headers=api.headers, unload_dependents=dependents)
    expect_equal(await api.call("is_model_ready", "add_sub"), True, "add_sub is ready afterwards")


@case("repository/load and unload on the administration listener", REPOSITORY, "load_model", ours_only=PYTRITON_ONE_PORT)
async def administered(api):
    headers = {"Authorization": f"Bearer {api.admin_token}"}
    admin = api.open_at(api.admin_address)
    try:
        await api.call_on(admin, "unload_model", "half", headers=dict(headers))
        expect_equal(await api.call("is_model_ready", "half"), False, "half is ready after it was unloaded")
        await api.call_on(admin, "load_model", "half", headers=dict(headers))
        expect_equal(await api.call("is_model_ready", "half"), True, "half is ready after it was loaded")
        for wrong, status in (({"headers": {}}, "401"), ({"headers": dict(headers), "config": "{}"}, "400")):
            try:
                await api.call_on(admin, "load_model", "half", **wrong)
            except InferenceServerException as error:
                expect_equal(error.status(), status, f"the status ({error.message()})")
            else:
                raise Wrong(f"it was answered, without a token or with a configuration: {wrong}")
    finally:
        closing = admin.close()
        if closing is not None:
            await closing


@case("trace/read", TRACE, "get_trace_settings")
async def trace(api):
    await api.refused(501, "get_trace_settings", headers=api.headers)
    return await api.refused(501, "get_trace_settings", "add_sub", headers=api.headers)


@case("trace/change", TRACE, "update_trace_settings")
async def change_trace(api):
    return await api.refused(501, "update_trace_settings", None, {"trace_level": ["OFF"]}, headers=api.headers)


@case("logging/read", LOGGING, "get_log_settings")
async def logging(api):
    return await api.refused(501, "get_log_settings", headers=api.headers)


@case("logging/change", LOGGING, "update_log_settings")
async def change_logging(api):
    return await api.refused(501, "update_log_settings", {"log_verbose_level": 0}, headers=api.headers)


def shared_memory_cases(kind, register_arguments):
    @case(f"shared memory/{kind} status", SHARED_MEMORY, f"get_{kind}_shared_memory_status")
    async def status(api):
        await api.refused(501, f"get_{kind}_shared_memory_status", headers=api.headers)
        return await api.refused(501, f"get_{kind}_shared_memory_status", "region", headers=api.headers)

    @case(f"shared memory/{kind} register", SHARED_MEMORY, f"register_{kind}_shared_memory")
    async def register(api):
        return await api.refused(501, f"register_{kind}_shared_memory", *register_arguments, headers=api.headers)

    @case(f"shared memory/{kind} unregister", SHARED_MEMORY, f"unregister_{kind}_shared_memory")
    async def unregister(api):
        await api.refused(501, f"unregister_{kind}_shared_memory", "region", headers=api.headers)
        return await api.refused(501, f"unregister_{kind}_shared_memory", headers=api.headers)


shared_memory_cases("system", ("region", "/nothing-is-here", 64))
shared_memory_cases("cuda", ("region", b"bm90aGluZw==", 0, 64))


@case("client/credentials", METADATA, "register_plugin", also=("plugin", "unregister_plugin", "close"))
async def plugin(api):
    auth = __import__(f"{api.module.__name__}.auth", fromlist=["BasicAuth"])
    client = api.open()
    client.register_plugin(auth.BasicAuth("someone", "secret"))
    expect_equal(await api.call_on(client, "is_server_live"), True, "live")
    expect(client.plugin() is not None, "the plugin is gone")
    client.unregister_plugin()
    closing = client.close()
    if closing is not None:
        await closing


@case("client/inside with", METADATA, "__enter__")
async def context_manager(api):
    if api.kind == "sync":
        with api.open(verbose=False) as client:
            expect_equal(client.is_server_live(), True, "live")
    else:
        async with api.open(verbose=False) as client:
            expect_equal(await client.is_server_live(), True, "live")


@case("client/every method is tried", METADATA, "InferenceServerClient")
async def every_method(api):
    public = {name for name in dir(api.module.InferenceServerClient) if not name.startswith("_")}
    tried = {method for one in CASES for method in (one.method, *one.also)}
    expect_equal(sorted(public - tried), [], "what no case calls")


@case("client/reserved parameter", METADATA, "infer")
async def reserved(api):
    from inferring import scores_request

    try:
        await api.call("infer", "scores", scores_request(1), parameters={"priority": 1})
    except InferenceServerException:
        return
    raise Wrong("the client sent a reserved parameter")
