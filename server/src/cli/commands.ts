// The commands, each with the file that holds it. A file is loaded only when its command runs, so help stays quick.
import type { Command } from "./command.ts";

export interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  /** Heading it is listed under. */
  readonly group: "Serve" | "Models" | "Endpoints" | "Keep" | "Look and measure";
  readonly load: () => Promise<Command>;
}

export const COMMANDS: readonly CommandEntry[] = [
  {
    name: "start",
    summary: "Start the platform: inference, administration and console",
    group: "Serve",
    load: async () => (await import("./commands/start.ts")).start,
  },
  {
    name: "serve",
    summary: "Serve model files at once, without registering anything",
    group: "Serve",
    load: async () => (await import("./commands/serve.ts")).serve,
  },
  {
    name: "stop",
    summary: "Stop the server of the data directory",
    group: "Serve",
    load: async () => (await import("./commands/stop.ts")).stop,
  },
  {
    name: "import",
    summary: "Check a model file and register it as a version",
    group: "Models",
    load: async () => (await import("./commands/import.ts")).importModel,
  },
  {
    name: "inspect",
    summary: "Show what a model takes, gives and needs",
    group: "Models",
    load: async () => (await import("./commands/inspect.ts")).inspect,
  },
  {
    name: "gradient",
    summary: "Write a model that computes its own gradients",
    group: "Models",
    load: async () => (await import("./commands/gradient.ts")).gradient,
  },
  {
    name: "passes",
    summary: "Write a model in other words, pass by pass",
    group: "Models",
    load: async () => (await import("./commands/passes.ts")).passes,
  },
  {
    name: "versions",
    summary: "List the registered versions",
    group: "Models",
    load: async () => (await import("./commands/versions.ts")).versions,
  },
  {
    name: "dataset",
    summary: "Look into rows of files, and register them under a name",
    group: "Models",
    load: async () => (await import("./commands/dataset.ts")).dataset,
  },
  {
    name: "train",
    summary: "Train a network on rows and register what comes of it",
    group: "Models",
    load: async () => (await import("./commands/train.ts")).train,
  },
  {
    name: "finetune",
    summary: "Train a model that is there on rows of your own",
    group: "Models",
    load: async () => (await import("./commands/finetune.ts")).finetune,
  },
  {
    name: "runs",
    summary: "List, show, compare, cancel and resume what was trained",
    group: "Models",
    load: async () => (await import("./commands/runs.ts")).runs,
  },
  {
    name: "measure",
    summary: "Measure a version and keep what is found as evidence",
    group: "Models",
    load: async () => (await import("./commands/measure.ts")).measure,
  },
  {
    name: "job",
    summary: "List, watch, cancel and resume long tasks",
    group: "Models",
    load: async () => (await import("./commands/job.ts")).job,
  },
  {
    name: "compare",
    summary: "Say which of two versions answers the same rows better",
    group: "Models",
    load: async () => (await import("./commands/compare.ts")).compare,
  },
  {
    name: "profile",
    summary: "Measure what a model takes, or what this machine is as a device",
    group: "Models",
    load: async () => (await import("./commands/profile.ts")).profile,
  },
  {
    name: "place",
    summary: "Advise where a model is best put: edge, browser, server or batch",
    group: "Models",
    load: async () => (await import("./commands/place.ts")).place,
  },
  {
    name: "report",
    summary: "Write what is known of a version: a page, a model card, charts",
    group: "Models",
    load: async () => (await import("./commands/report.ts")).report,
  },
  {
    name: "policy",
    summary: "Say what a version must show before it goes live, and check it",
    group: "Endpoints",
    load: async () => (await import("./commands/policy.ts")).policy,
  },
  {
    name: "deploy",
    summary: "Put a version, or a model file, behind an endpoint",
    group: "Endpoints",
    load: async () => (await import("./commands/deploy.ts")).deploy,
  },
  {
    name: "rollback",
    summary: "Switch an endpoint back to what was live before",
    group: "Endpoints",
    load: async () => (await import("./commands/rollback.ts")).rollback,
  },
  {
    name: "unload",
    summary: "Take an endpoint out of service",
    group: "Endpoints",
    load: async () => (await import("./commands/unload.ts")).unload,
  },
  {
    name: "release",
    summary: "End the quarantine of an endpoint",
    group: "Endpoints",
    load: async () => (await import("./commands/release.ts")).release,
  },
  {
    name: "backup",
    summary: "Back up all that is stored, while the server runs",
    group: "Keep",
    load: async () => (await import("./commands/backup.ts")).backup,
  },
  {
    name: "restore",
    summary: "Restore a backup into a data directory",
    group: "Keep",
    load: async () => (await import("./commands/restore.ts")).restore,
  },
  {
    name: "gc",
    summary: "Remove stored bytes nothing refers to",
    group: "Keep",
    load: async () => (await import("./commands/gc.ts")).gc,
  },
  {
    name: "infer",
    summary: "Send inputs to a model and show its answer",
    group: "Look and measure",
    load: async () => (await import("./commands/infer.ts")).infer,
  },
  {
    name: "status",
    summary: "Show how the server and its endpoints are",
    group: "Look and measure",
    load: async () => (await import("./commands/status.ts")).status,
  },
  {
    name: "bench",
    summary: "Put load on an endpoint and measure its latency",
    group: "Look and measure",
    load: async () => (await import("./commands/bench.ts")).bench,
  },
  {
    name: "tune",
    summary: "Find the settings this machine serves a model fastest with",
    group: "Look and measure",
    load: async () => (await import("./commands/tune.ts")).tune,
  },
  {
    name: "plan",
    summary: "Say what a latency objective takes at a rate: settings, replicas, or a faster model",
    group: "Look and measure",
    load: async () => (await import("./commands/plan.ts")).plan,
  },
  {
    name: "config",
    summary: "Show the settings in effect and where each came from",
    group: "Look and measure",
    load: async () => (await import("./commands/config.ts")).config,
  },
];
