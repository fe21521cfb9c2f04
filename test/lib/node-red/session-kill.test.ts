import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";

const WRITER = join(__dirname, "../../support/session-writer.ts");
const CHAINS = 4;
const KILLS = 200;

/** The same numbers at every run. */
function* random(seed: number): Generator<number, never> {
  for (let state = seed; ;) {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    yield state / 2 ** 31;
  }
}

interface Life {
  readonly found: number | null;
  readonly saved: number;
  readonly warnings: string[];
}

/** One process, killed `delayMs` after it said the word. */
function live(script: string, folder: string, word: string, delayMs: number): Promise<Life> {
  return new Promise((resolve, reject) => {
    const child: ChildProcess = spawn(process.execPath, [script, folder], { stdio: ["ignore", "pipe", "inherit"] });
    let said = "";
    let condemned = false;
    child.stdout?.on("data", (chunk: Buffer) => {
      said += chunk.toString();
      if (condemned || !said.includes(word)) return;
      condemned = true;
      setTimeout(() => child.kill("SIGKILL"), delayMs);
    });
    child.on("error", reject);
    child.on("close", (_code, signal) => {
      if (signal !== "SIGKILL") reject(new Error(`it ended by itself: ${said}`));
      // The kill may have torn the last line.
      const lines = said.split("\n").slice(0, -1);
      const numbers = (word: string) =>
        lines.filter((line) => line.startsWith(word)).map((line) => +line.split(" ")[1]!);
      resolve({
        found: numbers("found")[0] ?? null,
        saved: numbers("saved").at(-1) ?? 0,
        warnings: lines.filter((line) => line.startsWith("warning")),
      });
    });
  });
}

describe("a process killed with SIGKILL while it keeps a session", function () {
  this.timeout(240_000);
  let folder: string;
  let script: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "printgate-session-kill-"));
    script = join(folder, "writer.cjs");
    // Bundled once: two hundred processes that each compile TypeScript would take a minute.
    await build({ entryPoints: [WRITER], bundle: true, platform: "node", format: "cjs", outfile: script });
  });
  after(() => rm(folder, { recursive: true }));

  it(`leaves a store that always loads, with the last login that was completed, ${KILLS} times`, async () => {
    let logins = 0;
    let early = 0;
    const chain = async (number: number): Promise<void> => {
      const place = join(folder, String(number));
      await mkdir(place);
      const delays = random(number + 1);
      let last = 0;
      for (let kill = 0; kill < KILLS / CHAINS; kill++) {
        // One in five while it still makes or reads the key and what was kept.
        const word = delays.next().value < 0.2 ? "up" : "found";
        const { found, saved, warnings } = await live(script, place, word, delays.next().value * 12);
        assert.deepEqual(warnings, []);
        // One more than was told: the kill may fall between the save and the word of it.
        if (found === null) early += 1;
        else assert.ok(found === last || found === last + 1, `found ${found} after ${last}`);
        last = Math.max(last, found ?? 0, saved);
      }
      logins += last;
      const aside = (await readdir(place, { recursive: true })).filter((name) => name.includes("set-aside"));
      assert.deepEqual(aside, []);
    };
    await Promise.all(Array.from({ length: CHAINS }, (_, number) => chain(number)));
    assert.ok(logins > KILLS / 4, `only ${logins} logins were saved`);
    assert.ok(early < KILLS / 2, `${early} were killed before they had begun`);
  });
});
