// What a user would pick instead, as data: what each needs and how it is started. The programs are ours, small, on the
// peer's own documented way of serving fast; one worker each, since all share one core.

import { spawnSync } from "node:child_process";
import { copyFileSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import type { Wire } from "../payloads.ts";

interface Start {
  readonly command: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export interface Peer {
  readonly name: string;
  readonly about: string;
  readonly wires: readonly Wire[];
  readonly route: string;
  /** Puts all it needs into a directory. @throws with the reason where that can't be done */
  install(directory: string): void;
  isInstalled(directory: string): boolean;
  start(directory: string, modelFile: string, port: number): Start;
}

const here = import.meta.dirname;
/** The one that the product runs on, so that servers are compared and not engines. */
const ONNXRUNTIME = `onnxruntime==${onnxruntimeVersion()}`;

export const PEERS: readonly Peer[] = [
  {
    name: "Rust: axum + ort",
    about: "the native limit: the run in line, no batching, no queue, no limits, no metrics",
    wires: ["json", "binary"],
    route: "/infer",
    install: (directory) => {
      createEnvironment("python3", directory, [ONNXRUNTIME]);
      cpSync(path.join(here, "rust"), path.join(directory, "source"), { recursive: true });
      const manifest = path.join(directory, "source/Cargo.toml");
      run("cargo", ["build", "--release", "--manifest-path", manifest, "--target-dir", path.join(directory, "target")]);
    },
    isInstalled: (directory) => existsSync(path.join(directory, "target/release/rust-peer")),
    start: (directory, modelFile, port) => ({
      command: [
        path.join(directory, "target/release/rust-peer"),
        modelFile,
        String(port),
        sharedLibrary(path.join(directory, "lib")),
      ],
    }),
  },
  python({
    name: "mosec",
    about: "a Rust front that batches, a Python worker that runs",
    packages: ["mosec==0.9.8"],
    program: "mosec_server.py",
    route: "/inference",
    flags: (modelFile, port) => [modelFile, "--address", "127.0.0.1", "--port", String(port)],
  }),
  python({
    name: "FastAPI",
    about: "uvicorn with uvloop and httptools, orjson, the run in line",
    packages: ["fastapi==0.165.0", "uvicorn==0.54.0", "uvloop", "httptools"],
    program: "fastapi_server.py",
  }),
  python({
    name: "Triton (pytriton)",
    about: "Triton's front and dynamic batcher, the run in its Python backend",
    packages: ["nvidia-pytriton==0.7.0"],
    program: "pytriton_server.py",
    route: "/v2/models/m/infer",
    // Its Triton is linked against the system's own libpython3.11.
    python: "/usr/bin/python3.11",
  }),
  python({
    name: "MLServer",
    about: "its adaptive batching, one process",
    packages: ["mlserver==1.7.1"],
    program: "mlserver_runtime.py",
    route: "/v2/models/m/infer",
  }),
  python({
    name: "LitServe",
    about: "FastAPI before a queue before a worker process that batches",
    packages: ["litserve==0.2.19"],
    program: "litserve_server.py",
  }),
  python({
    name: "BentoML",
    about: "one worker, one request at a time",
    packages: ["bentoml==1.4.40"],
    program: "bentoml_server.py",
    start: (directory, modelFile, port) => ({
      command: `${directory}/bin/bentoml serve bentoml_server:Peer --host 127.0.0.1 --port ${port}`.split(" "),
      env: { PEER_MODEL: modelFile, BENTOML_DO_NOT_TRACK: "True", BENTOML_HOME: path.join(directory, "home") },
    }),
  }),
];

/** What trains beside our steps of training; it serves nothing. */
export const PYTORCH: Pick<Peer, "name" | "install" | "isInstalled"> = {
  name: "PyTorch",
  install: (directory) => createEnvironment("python3", directory, ["torch==2.15.0", "numpy"]),
  isInstalled: (directory) => existsSync(path.join(directory, "bin/python")),
};

interface PythonPeer {
  readonly name: string;
  readonly about: string;
  readonly packages: readonly string[];
  readonly program: string;
  readonly route?: string;
  readonly python?: string;
  readonly flags?: (modelFile: string, port: number) => readonly string[];
  readonly start?: Peer["start"];
}

function python(of: PythonPeer): Peer {
  const flags = of.flags ?? ((modelFile: string, port: number) => [modelFile, String(port)]);
  const isInstalled = (directory: string) => existsSync(path.join(directory, of.program));
  return {
    name: of.name,
    about: of.about,
    wires: ["json"],
    route: of.route ?? "/infer",
    install: (directory) => {
      createEnvironment(of.python ?? "python3", directory, [ONNXRUNTIME, "numpy", "orjson", ...of.packages]);
      copyFileSync(path.join(here, "model.py"), path.join(directory, "model.py"));
      copyFileSync(path.join(here, of.program), path.join(directory, of.program));
    },
    isInstalled,
    start:
      of.start ??
      ((directory, modelFile, port) => ({
        command: [path.join(directory, "bin/python"), path.join(directory, of.program), ...flags(modelFile, port)],
      })),
  };
}

/** A Python environment of its own in a directory. */
function createEnvironment(interpreter: string, directory: string, packages: readonly string[]): void {
  mkdirSync(directory, { recursive: true });
  run(interpreter, ["-m", "venv", directory]);
  run(path.join(directory, "bin/python"), ["-m", "pip", "install", "--quiet", ...packages]);
}

function run(program: string, flags: readonly string[]): void {
  const { status, stderr, error } = spawnSync(program, flags, {
    encoding: "utf8",
    stdio: ["ignore", "ignore", "pipe"],
  });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${program} ${flags.join(" ")} ended with ${status}: ${stderr.trim().slice(-500)}`);
}

/** The engine inside PyPI's package. */
function sharedLibrary(directory: string): string {
  const [python3] = readdirSync(directory).filter((name) => name.startsWith("python3"));
  const capi = path.join(directory, python3!, "site-packages/onnxruntime/capi");
  const [file] = readdirSync(capi).filter((name) => name.startsWith("libonnxruntime.so"));
  return path.join(capi, file!);
}

function onnxruntimeVersion(): string {
  const file = path.join(here, "../../node_modules/onnxruntime-node/package.json");
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}
