/**
 * A process that signs in over and over until it is killed, run by session-kill.test.ts. It prints what it found when
 * it began, then each login as soon as that was saved.
 */
import { writeSync } from "node:fs";
import { join } from "node:path";
import { fileKey } from "../../lib/node-red/installation-key";
import { sessionsIn } from "../../lib/node-red/accounts/sessions";
import { fileStore } from "../../lib/node-red/store";
import { aSession } from "./sessions";

const [folder = ""] = process.argv.slice(2);
const say = (line: string): void => {
  writeSync(1, `${line}\n`);
};
const warn = (message: string): void => {
  say(`warning ${message}`);
};
const sessions = sessionsIn({ store: fileStore(folder, warn), key: fileKey(join(folder, "key"), warn), warn });

async function main(): Promise<void> {
  const store = sessions.of("account1", "global");
  say("up");
  const found = Number((await store.load())?.uid ?? 0);
  say(`found ${found}`);
  for (let login = found + 1; ; login++) {
    await store.save(aSession({ uid: String(login) }));
    say(`saved ${login}`);
  }
}

void main();
