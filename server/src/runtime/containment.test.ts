import { spawn, spawnSync } from "node:child_process";
import { chmod, chown, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { containmentOf } from "./containment.ts";
import { startContained } from "./contained-child.ts";
import { isOwnToRead } from "./own-files.ts";

const isLinux = process.platform === "linux";
const isRoot = process.geteuid?.() === 0;
const NOBODY = 65534;

/** What a contained program could see and do, as it says itself. */
interface Attempts {
  readonly written: string;
  readonly appended: string;
  readonly made: string;
  readonly connected: string;
  readonly environment: readonly string[];
  readonly descriptors: readonly string[];
  /** Lines of /proc/self/status and /proc/self/limits by name. */
  readonly status: Readonly<Record<string, string>>;
  readonly limits: Readonly<Record<string, string>>;
  readonly outOfMemoryScore: number;
}

interface Report {
  readonly text: readonly string[];
  readonly attempts: Attempts;
}

/** Does what a model that took its runner over would do. */
const ATTACK = `
  const fs = require("node:fs"), net = require("node:net");
  const [target, port] = process.argv.slice(1);
  const outcome = (work) => { try { work(); return "done"; } catch (error) { return error.code; } };
  const lines = (file, pattern) => Object.fromEntries(fs.readFileSync(file, "utf8").split("\\n")
    .map((line) => pattern.exec(line)).filter(Boolean).map(([, name, value]) => [name, value]));
  const socket = net.connect({ host: "127.0.0.1", port: Number(port) });
  const tell = (connected) => {
    socket.destroy();
    process.stdout.write(JSON.stringify({
      connected,
      written: outcome(() => fs.writeFileSync(target + "-new", "x")),
      appended: outcome(() => fs.appendFileSync(target, "x")),
      made: outcome(() => fs.writeFileSync("made-here", "x")),
      environment: Object.keys(process.env),
      descriptors: fs.readdirSync("/proc/self/fd").flatMap((fd) => {
        try { return [fs.readlinkSync("/proc/self/fd/" + fd)]; } catch { return []; } }),
      status: lines("/proc/self/status", /^(\\w+):\\s*(.*)$/),
      limits: lines("/proc/self/limits", /^(Max [a-z ]+?) {2,}(\\S+)/),
      outOfMemoryScore: Number(fs.readFileSync("/proc/self/oom_score_adj", "utf8")),
    }));
  };
  socket.on("connect", () => tell("done"));
  socket.on("error", (error) => tell(error.code));
`;

let directory: string;
let server: Server;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "slipway-contained-"));
  await chmod(directory, 0o777);
  server = createServer((socket) => socket.end()).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
});
afterAll(async () => {
  server.close();
  await rm(directory, { recursive: true, force: true });
});

/** Runs the attack from a process that this command starts, such as one of another user. */
async function attackFrom(command: readonly string[], file: string): Promise<Report> {
  await writeFile(file, "kept");
  await chmod(file, 0o666);
  const here = (name: string): string => JSON.stringify(new URL(name, import.meta.url).href);
  const { port } = server.address() as { port: number };
  const source = `
    import { containmentOf } from ${here("./containment.ts")};
    import { startContained } from ${here("./contained-child.ts")};
    const containment = await containmentOf({ memoryLimitBytes: 2 ** 30, files: [] });
    const { child } = startContained(["-e", ${JSON.stringify(ATTACK)}, ${JSON.stringify(file)}, "${port}"], {
      containment, scratchDirectory: ${JSON.stringify(directory)}, environment: {}, stdio: ["ignore", "pipe", "inherit"],
    });
    let said = "";
    child.stdout.on("data", (chunk) => (said += chunk));
    child.on("close", () => console.log(JSON.stringify({ text: containment.text, attempts: JSON.parse(said) })));
  `;
  const [program, ...args] = [
    ...command,
    process.execPath,
    "--conditions=source",
    "--disable-warning=ExperimentalWarning",
    "--input-type=module-typescript",
    "-e",
    source,
  ];
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"], env: { SECRET: "in the environment" } });
  let said = "";
  let complaint = "";
  child.stdout.on("data", (chunk: Buffer) => (said += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (complaint += chunk.toString()));
  await new Promise((resolve) => child.on("close", resolve));
  expect(said, complaint).not.toBe("");
  return JSON.parse(said) as Report;
}

/** What is said to be in force, and how it shows. */
const CLAIMS: readonly (readonly [string, (attempts: Attempts) => void])[] = [
  ["own network namespace", ({ connected }) => expect(connected).toMatch(/^E(NETUNREACH|CONNREFUSED)$/)],
  ["can gain no privileges", ({ status }) => expect(status["NoNewPrivs"]).toBe("1")],
  [
    "none of root's capabilities",
    ({ status }) => {
      for (const set of ["CapInh", "CapPrm", "CapEff", "CapAmb"]) expect(status[set]).toMatch(/^0+$/);
    },
  ],
  ["no core dumps", ({ limits }) => expect(limits["Max core file size"]).toBe("0")],
  [
    "writes to no file",
    ({ written, appended, limits }) => {
      expect([written, appended]).toEqual(["EFBIG", "EFBIG"]);
      expect(limits["Max file size"]).toBe("0");
    },
  ],
  ["at most 512 open files", ({ limits }) => expect(limits["Max open files"]).toBe("512")],
  ["memory ceiling 1.0 GiB (RLIMIT_DATA", ({ limits }) => expect(limits["Max data size"]).toBe(String(2 ** 31))],
  ["empty environment", ({ environment }) => expect(environment).toEqual([])],
  ["ended before the server", ({ outOfMemoryScore }) => expect(outOfMemoryScore).toBeGreaterThanOrEqual(500)],
];

const USERS: readonly (readonly [string, readonly string[], boolean])[] = [
  ["as the user that runs the tests", [], true],
  [
    "as an ordinary user",
    ["/usr/bin/setpriv", `--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups", "--"],
    isRoot,
  ],
  ["as root of a container, without capabilities", ["/usr/bin/setpriv", "--bounding-set=-all", "--"], isRoot],
];

describe.runIf(isLinux)("what is said to confine a child does", () => {
  const possible = USERS.filter(([, command, isPossible]) => {
    const [program, ...args] = [...command, process.execPath, "--version"];
    return isPossible && spawnSync(program, args, { env: {} }).status === 0;
  });

  it.each(possible)("%s", async (name, command) => {
    const file = join(directory, name.replaceAll(" ", "-"));
    const { text, attempts } = await attackFrom(command, file);
    for (const [claim, check] of CLAIMS) {
      if (text.some((line) => line.startsWith(claim))) check(attempts);
    }
    // In force everywhere, whatever tools there are.
    expect(text).toEqual(expect.arrayContaining(["own process, killed at its limits", "empty environment"]));
    for (const target of attempts.descriptors) {
      expect(target).toMatch(/^(pipe:|socket:|anon_inode:|\/dev\/null$|\/proc\/\d+\/fd$)/);
    }
    const writesNothing = text.includes("writes to no file");
    if (writesNothing) expect(await readFile(file, "utf8")).toBe("kept");
    // With the tools of util-linux, all of it holds for root and for others alike, but for what only root has to lose.
    if (text.includes("killed by the kernel when the server dies")) {
      expect(attempts.made).toBe("ENOENT");
      expect(writesNothing).toBe(true);
    }
  });
});

describe.runIf(isLinux && isRoot)("files of another user", () => {
  it("stay readable to root's children, which then say that they keep root's access to files", async () => {
    const folder = join(directory, "private");
    const file = join(folder, "blob");
    await mkdir(folder, { mode: 0o700 });
    await writeFile(file, "weights", { mode: 0o600 });
    expect(isOwnToRead(file)).toBe(true);
    await chown(file, NOBODY, NOBODY);
    expect(isOwnToRead(file)).toBe(false);
    await chown(file, 0, 0);
    await chown(folder, NOBODY, NOBODY);
    expect(isOwnToRead(file)).toBe(false);
    const read = async (files: readonly string[]): Promise<string> => {
      const containment = await containmentOf({ memoryLimitBytes: 2 ** 30, files });
      const script = `try { process.stdout.write(require("node:fs").readFileSync(process.argv[1])) } catch (error) { process.stdout.write(error.code) }`;
      const { child } = startContained(["-e", script, file], {
        containment,
        scratchDirectory: directory,
        environment: {},
        stdio: ["ignore", "pipe", "inherit"],
      });
      let said = "";
      child.stdout!.on("data", (chunk: Buffer) => (said += chunk.toString()));
      await new Promise((resolve) => child.on("close", resolve));
      return said;
    };
    expect(await read([file])).toBe("weights");
    const { text } = await containmentOf({ memoryLimitBytes: 2 ** 30, files: [file] });
    if (text.includes("none of root's capabilities")) {
      expect(text).toContainEqual(expect.stringMatching(/belong to another user/));
      expect(await read([])).toBe("EACCES");
    }
  });
});
