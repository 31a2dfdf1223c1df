// Front processes: several that share a port and the runners, where one does not keep up.
export { Fleet } from "./fleet.ts";
export { FleetServing } from "./fleet-serving.ts";
