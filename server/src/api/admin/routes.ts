// The methods and paths of the administration API alone, without schemas, so that the client and the console carry no
// validator. A test holds this table against `operations.ts`.

export const ROUTES = {
  getStatus: ["GET", "/api/status"],
  getLive: ["GET", "/api/live"],
  listVersions: ["GET", "/api/versions"],
  getVersion: ["GET", "/api/versions/{name}/{number}"],
  putBlob: ["PUT", "/api/blobs/{hash}"],
  hasBlob: ["GET", "/api/blobs/{hash}"],
  importVersion: ["POST", "/api/versions"],
  getModel: ["GET", "/api/models/{hash}"],
  listEndpoints: ["GET", "/api/endpoints"],
  getEndpoint: ["GET", "/api/endpoints/{endpoint}"],
  deploy: ["POST", "/api/endpoints/{endpoint}/deploy"],
  rollback: ["POST", "/api/endpoints/{endpoint}/rollback"],
  unload: ["POST", "/api/endpoints/{endpoint}/unload"],
  release: ["POST", "/api/endpoints/{endpoint}/release"],
  listDecisions: ["GET", "/api/decisions"],
  collectGarbage: ["POST", "/api/gc"],
  startBackup: ["POST", "/api/backup"],
  getBackup: ["GET", "/api/backup"],
  cancelBackup: ["DELETE", "/api/backup"],
  getConfig: ["GET", "/api/config"],
  stop: ["POST", "/api/stop"],
} as const;
