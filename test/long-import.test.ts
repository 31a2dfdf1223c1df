// Importing a model of very many nodes takes seconds; whoever calls an endpoint meanwhile does not notice.
import { createHash } from "node:crypto";
import path from "node:path";
import { Readable } from "node:stream";
import { bytesFromModel } from "@slipway/core/onnx";
import { expect, test } from "vitest";
import { importModel, infer, removeDirectory, scaleModel, startPlatform, temporaryDirectory } from "./platform.ts";
import { chain } from "./support/hostile-graphs.ts";

test("requests are answered while a long import is in progress", async () => {
  const directory = temporaryDirectory();
  const server = await startPlatform(path.join(directory, "data"));
  try {
    await importModel(server, "beside", scaleModel(3));
    await server.client.deploy({ params: { endpoint: "beside" }, body: {} });
    const bytes = bytesFromModel(chain(60_000));
    const hash = createHash("sha256").update(bytes).digest("hex");
    await server.client.putBlob({ params: { hash }, body: Readable.from([bytes]) as never });
    const progress = { isDone: false };
    const files = [{ path: "model.onnx", hash }];
    const imported = server.client.importVersion({ body: { name: "long", files, processing: null } }).finally(() => {
      progress.isDone = true;
    });
    let answeredMeanwhile = 0;
    while (!progress.isDone) {
      const answer = await infer(server.inferenceAddress, "beside", [1, 2], [1, 2]);
      expect(answer).toMatchObject({ status: 200, body: { outputs: [{ data: [3, 6] }] } });
      if (!progress.isDone) answeredMeanwhile++;
    }
    expect((await imported).version.model.operators).toEqual([{ name: "Neg", count: 60_000 }]);
    // Examined by the server itself, only those before and after would have been: two or three.
    expect(answeredMeanwhile).toBeGreaterThan(10);
  } finally {
    await server.stop(0);
    removeDirectory(directory);
  }
});
