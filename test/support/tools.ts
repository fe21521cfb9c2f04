import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

/** Where Debian keeps servers, which is on no user's search path. */
const ALSO = ["/usr/sbin", "/usr/local/sbin"];

/**
 * The path of a program that a test needs. Where it is absent the test is skipped and says so; in CI,
 * which installs the tools (PRINTGATE_NO_SKIPS), its absence is a failure.
 */
export function tool(context: Mocha.Context, ...names: string[]): string {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), ...ALSO];
  for (const name of names) {
    for (const folder of folders) {
      const path = join(folder, name);
      if (existsSync(path)) return path;
    }
  }
  return skipWithout(context, names[0] ?? "tool");
}

/** Skips the test because that is absent; in CI a failure. */
export function skipWithout(context: Mocha.Context, what: string): never {
  const reason = `skipped: no ${what}`;
  if (process.env["PRINTGATE_NO_SKIPS"] === "1") throw new Error(reason);
  console.log(`    ${reason}`);
  context.skip();
}
