// Models that compute their own gradients, made with the help of the engine that will run them.
export { createPreparingEngine, type EngineOptions } from "./engine.ts";
