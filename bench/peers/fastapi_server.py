"""FastAPI as people put it before a model: uvicorn on uvloop and httptools, orjson, the run in line.
   fastapi_server.py MODEL.onnx PORT

The body is read and answered raw, since pydantic models of large arrays are many times slower; the run blocks the event
loop, which on one core is faster than handing it to a thread."""
import sys

import uvicorn
from fastapi import FastAPI, Request, Response

from model import Model, answer_from, rows_from

model = Model(sys.argv[1])
app = FastAPI()


@app.post("/infer")
async def infer(request: Request):
    return Response(answer_from(model.run(rows_from(await request.body()))), media_type="application/json")


@app.get("/ready")
async def ready():
    return Response()


if __name__ == "__main__":
    uvicorn.run(
        app, host="127.0.0.1", port=int(sys.argv[2]), loop="uvloop", http="httptools", log_level="warning", access_log=False
    )
