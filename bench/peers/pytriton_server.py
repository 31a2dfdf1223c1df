"""Triton with pytriton's Python backend: Triton's HTTP front and dynamic batcher, the run in a Python process.
   pytriton_server.py MODEL.onnx PORT"""
import sys

import numpy
from pytriton.decorators import batch
from pytriton.model_config import DynamicBatcher, ModelConfig, Tensor
from pytriton.triton import Triton, TritonConfig

from model import Model


def main(file, port):
    model = Model(file)
    width = model.session.get_inputs()[0].shape[1]
    units = model.session.get_outputs()[0].shape[1]

    @batch
    def infer(x):
        return [model.run(x)]

    config = TritonConfig(
        http_address="127.0.0.1", http_port=port, grpc_port=port + 1, metrics_port=port + 2, allow_grpc=False, log_verbose=0
    )
    with Triton(config=config) as triton:
        triton.bind(
            model_name="m",
            infer_func=infer,
            inputs=[Tensor(name="x", dtype=numpy.float32, shape=(width,))],
            outputs=[Tensor(name="y", dtype=numpy.float32, shape=(units,))],
            config=ModelConfig(max_batch_size=32, batcher=DynamicBatcher(max_queue_delay_microseconds=0)),
            strict=False,
        )
        triton.serve()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
