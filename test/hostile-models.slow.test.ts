// The long form: hundreds of damaged models imported, deployed and asked.
import path from "node:path";
import { expect, test } from "vitest";
import { importModel, infer, removeDirectory, scaleModel, startPlatform, temporaryDirectory } from "./platform.ts";
import { attackWithModels } from "./support/model-attacks.ts";

test("thousands of damaged models", async () => {
  const directory = temporaryDirectory();
  const server = await startPlatform(path.join(directory, "data"));
  try {
    await importModel(server, "beside", scaleModel(3));
    await server.client.deploy({ params: { endpoint: "beside" }, body: {} });
    for (let round = 0; round < 20; round++) {
      await attackWithModels(server, { imports: 500, deploys: 25 });
      expect((await infer(server.inferenceAddress, "beside", [1, 2], [1, 2])).status).toBe(200);
    }
  } finally {
    await server.stop(0);
    removeDirectory(directory);
  }
});
