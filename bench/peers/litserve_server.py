"""LitServe: FastAPI before a queue before a worker process that batches.
   litserve_server.py MODEL.onnx PORT"""
import sys

import litserve
import numpy

from model import Model


class Infer(litserve.LitAPI):
    def setup(self, device):
        self.model = Model(sys.argv[1])

    def decode_request(self, request):
        tensor = request["inputs"][0]
        return numpy.array(tensor["data"], dtype=numpy.float32).reshape(tensor["shape"])

    def batch(self, inputs):
        return numpy.concatenate(inputs)

    def predict(self, rows):
        return self.model.run(rows)

    def unbatch(self, rows):
        return [rows[index : index + 1] for index in range(len(rows))]

    def encode_response(self, rows):
        output = {"name": "y", "datatype": "FP32", "shape": list(rows.shape), "data": rows.ravel().tolist()}
        return {"model_name": "m", "outputs": [output]}


if __name__ == "__main__":
    server = litserve.LitServer(
        Infer(max_batch_size=32, batch_timeout=0.001, api_path="/infer"), accelerator="cpu", workers_per_device=1
    )
    server.run(host="127.0.0.1", port=int(sys.argv[2]), num_api_servers=1, log_level="warning", generate_client_file=False)
