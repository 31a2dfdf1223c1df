"""BentoML: a service of one worker with adaptive batching left off, since it batches one array and not the protocol's body.
   bentoml serve bentoml_server:Peer --port PORT      (PEER_MODEL names the file)"""
import os

import bentoml
import numpy

from model import Model


@bentoml.service(name="m", workers=1, metrics={"enabled": False}, logging={"access": {"enabled": False}})
class Peer:
    def __init__(self):
        self.model = Model(os.environ["PEER_MODEL"])

    @bentoml.api(route="/infer")
    def infer(self, inputs: list[dict]) -> dict:
        tensor = inputs[0]
        rows = self.model.run(numpy.array(tensor["data"], dtype=numpy.float32).reshape(tensor["shape"]))
        output = {"name": "y", "datatype": "FP32", "shape": list(rows.shape), "data": rows.ravel().tolist()}
        return {"model_name": "m", "outputs": [output]}
