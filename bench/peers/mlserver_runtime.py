"""MLServer with a runtime of ours, since it brings none for ONNX; its own adaptive batching, one process.
   mlserver_runtime.py MODEL.onnx PORT"""
import os
import sys
import asyncio

import numpy
from mlserver import MLModel, MLServer, ModelSettings, Settings
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceResponse

from model import Model


class OnnxModel(MLModel):
    async def load(self):
        self.model = Model(self.settings.parameters.uri)
        return True

    async def predict(self, payload):
        rows = NumpyCodec.decode_input(payload.inputs[0]).astype(numpy.float32)
        return InferenceResponse(
            model_name=self.name, outputs=[NumpyCodec.encode_output("y", self.model.run(rows))]
        )


async def main(file, port):
    settings = Settings(
        host="127.0.0.1",
        http_port=port,
        grpc_port=port + 1,
        metrics_port=port + 2,
        parallel_workers=0,
        debug=False,
        access_log_level="ERROR",
        use_structured_logging=False,
    )
    server = MLServer(settings)
    model = ModelSettings(
        name="m",
        implementation=OnnxModel,
        parameters={"uri": os.path.abspath(file)},
        max_batch_size=32,
        max_batch_time=0.001,
    )
    await server.start([model])


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
