// Protocols to domain: the inference listener, the administration listener with its client, and status codes.
export { clientFromHandlers, type HandlerInput, type Handlers } from "./admin/handlers.ts";
export { type AdminServer, createAdminServer } from "./admin/server.ts";
export { createInferenceServer, type InferenceServer, type RecordsPort } from "./inference/index.ts";
export { checkListenAddress, httpAddress } from "./addresses.ts";
export { createHandlers, type HandlerPorts, type SubmitMeasure, type SubmitTraining } from "./admin/create-handlers.ts";
export { createPredict, createRecords } from "./records.ts";
export { modelStatistics, repositoryIndex } from "./statistics.ts";
