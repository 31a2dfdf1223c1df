"""The reference: Triton Inference Server's own HTTP front, as PyPI's nvidia-pytriton brings it, serving in Python what
conformance/models.ts serves as ONNX files. Prints one line of JSON when it is ready, and ends with its standard input.

    python reference.py PORT WORKSPACE TOKEN      (its virtual environment's bin first on PATH, for pytriton's own workers)
"""

import json
import sys
import time

import numpy as np
from pytriton.model_config import DynamicBatcher, ModelConfig, QueuePolicy, Tensor
from pytriton.triton import Triton, TritonConfig, TritonSecurityConfig

PORTABLE = {
    "BOOL": np.bool_,
    "UINT8": np.uint8,
    "UINT16": np.uint16,
    "UINT32": np.uint32,
    "UINT64": np.uint64,
    "INT8": np.int8,
    "INT16": np.int16,
    "INT32": np.int32,
    "INT64": np.int64,
    "FP32": np.float32,
    "FP64": np.float64,
    "BYTES": bytes,
}
SLOW_SECONDS = 0.25


def each(function):
    """What pytriton calls, a list of requests at a time, from a function of one request's arrays."""

    def infer(requests):
        return [function({name: request[name] for name in request.keys()}) for request in requests]

    return infer


def echo(tensors):
    return {name.replace("IN_", "OUT_", 1): value for name, value in tensors.items()}


def add_sub(tensors):
    a, b = tensors["INPUT0"], tensors["INPUT1"]
    return {"OUTPUT0": a + b, "OUTPUT1": a - b}


def same(tensors):
    return {"y": tensors["x"]}


def slow(tensors):
    time.sleep(SLOW_SECONDS)
    return {"y": tensors["x"]}


def tensor(name, dtype, shape):
    return Tensor(name=name, dtype=dtype, shape=shape)


def bind(triton):
    batcher = DynamicBatcher(
        priority_levels=4,
        default_priority_level=2,
        default_queue_policy=QueuePolicy(
            allow_timeout_override=True, default_timeout_microseconds=30_000_000, max_queue_size=1024
        ),
    )
    batched = ModelConfig(batching=True, max_batch_size=32, batcher=batcher)
    alone = ModelConfig(batching=False)
    rows = [16]
    triton.bind(
        "add_sub",
        each(add_sub),
        [tensor("INPUT0", np.float32, rows), tensor("INPUT1", np.float32, rows)],
        [tensor("OUTPUT0", np.float32, rows), tensor("OUTPUT1", np.float32, rows)],
        config=batched,
    )
    triton.bind("scores", each(same), [tensor("x", np.float32, [4])], [tensor("y", np.float32, [4])], config=batched)
    triton.bind("text", each(same), [tensor("x", bytes, [-1])], [tensor("y", bytes, [-1])], config=alone)
    triton.bind(
        "types",
        each(echo),
        [tensor(f"IN_{key}", dtype, [-1, -1]) for key, dtype in PORTABLE.items()],
        [tensor(f"OUT_{key}", dtype, [-1, -1]) for key, dtype in PORTABLE.items()],
        config=alone,
    )
    half = np.float16
    triton.bind("half", each(same), [tensor("x", half, [-1, -1])], [tensor("y", half, [-1, -1])], config=alone)
    triton.bind("slow", each(slow), [tensor("x", np.float32, [1])], [tensor("y", np.float32, [1])], config=batched)


def main(port, workspace, token):
    config = TritonConfig(
        id="reference",
        http_address="127.0.0.1",
        http_port=port,
        allow_grpc=False,
        allow_metrics=False,
        log_verbose=0,
    )
    security = TritonSecurityConfig(access_token=token)
    with Triton(config=config, workspace=workspace, security_config=security) as triton:
        bind(triton)
        triton.run()
        print(json.dumps({"ready": f"http://127.0.0.1:{port}"}), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3])
