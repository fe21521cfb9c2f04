/** A process that saves one document over and over, run by store.test.ts; it prints what goes wrong. */
import { fileStore } from "../../lib/node-red/store";

const [folder = "", times = "1"] = process.argv.slice(2);
const document = fileStore(folder, (message) => {
  console.log(message);
}).document("a", (value): value is { count: number; filler: string } => typeof value === "object");

async function write(): Promise<void> {
  for (let count = 1; count <= Number(times); count++) {
    await document.save({ count, filler: "" }).catch(() => undefined);
    document.saveNow({ count, filler: "x".repeat(count) });
  }
}

void write();
