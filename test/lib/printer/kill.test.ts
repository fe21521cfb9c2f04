import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Plan } from "../../support/killable-printer";

const CHILD = join(__dirname, "../../support/killable-printer.ts");

/** Runs the process; true if it was killed. */
function run(plan: Plan): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ["--import", "tsx", CHILD, JSON.stringify(plan)], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    let trouble = "";
    child.stderr.on("data", (chunk: Buffer) => (trouble += chunk.toString()));
    child.on("error", reject);
    child.on("exit", (code, signal) => {
      if (code !== 0 && signal !== "SIGKILL") reject(new Error(trouble));
      else resolve(signal === "SIGKILL");
    });
  });
}

/** One process is killed at the step, the next one finds the printer as it then is. */
async function lifeAndAfterlife(story: string[], killAt: string, then: string): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), "printgate-kill-"));
  try {
    const told = join(folder, "told.txt");
    assert.ok(await run({ folder, told, story, killAt }), `the step "${killAt}" was reached`);
    await run({ folder, told, story: [then], killAt: null });
    await run({ folder, told, story: [then], killAt: null });
    return (await readFile(told, "utf8").catch(() => "")).split("\n").filter((line) => line !== "");
  } finally {
    await rm(folder, { recursive: true });
  }
}

interface Scenario {
  title: string;
  story: string[];
  killAt: string;
  /** What the next processes find. */
  then: string;
  told: string;
}

// Saves of the first story: 1 the baseline, 2 the online event, 3 the start, 4 the ending.
const FINISH_STEPS = ["report 2", "save 3 before", "save 3 after", "report 3", "save 4 before", "save 4 after"];
const failure = { story: ["idle", "printing", "failed"], then: "failed", told: "print.failed recovered" };

const SCENARIOS: Scenario[] = [
  ...FINISH_STEPS.map((killAt) => ({
    title: `a finish: killed at "${killAt}"`,
    story: ["idle", "printing", "finished"],
    killAt,
    then: "finished",
    told: "print.finished recovered",
  })),
  {
    title: "a finish: killed when it was told",
    story: ["idle", "printing", "finished"],
    killAt: "struck off",
    then: "finished",
    told: "print.finished",
  },
  {
    title: "a cancel: killed when the ending is saved and not yet told",
    story: ["idle", "printing", "failed+word"],
    killAt: "save 4 after",
    then: "failed",
    told: "print.cancelled recovered",
  },
  { title: "a failure: killed inside the wait that tells it from a cancel", killAt: "wait 500", ...failure },
  { title: "a failure: killed as soon as it is reported", killAt: "report 3", ...failure },
  {
    title: "a cancel whose word came while the process was dead: killed inside the wait",
    story: ["idle", "printing", "failed"],
    killAt: "wait 500",
    then: "failed+word",
    told: "print.cancelled recovered",
  },
];

describe("a process killed with SIGKILL tells every ending exactly once", function () {
  this.timeout(240_000);
  let lives: Promise<string[]>[];

  before(() => {
    // All at once: each life mostly waits.
    lives = SCENARIOS.map(({ story, killAt, then }) => lifeAndAfterlife(story, killAt, then));
    for (const life of lives) life.catch(() => undefined);
  });

  SCENARIOS.forEach(({ title, told }, index) => {
    it(title, async () => {
      assert.deepEqual(await lives[index], [told]);
    });
  });
});
