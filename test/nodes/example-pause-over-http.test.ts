import assert from "node:assert/strict";
import { cheapHash } from "../support/auth-flows";
import { type LocalServer, serveHttp } from "../support/auth-webhook";
import { useExamples } from "../support/example-at-work";
import type { Flow } from "../support/helper";

/** The two that the comment asks for. */
const USERS = [
  { username: "anna", passwordHash: cheapHash("open sesame"), attrs: { roles: "guest" } },
  { username: "ben", passwordHash: cheapHash("me too") },
];
const basic = (who: string) => ({ authorization: `Basic ${Buffer.from(who).toString("base64")}` });
const ANNA = basic("anna:open sesame");

describe("Pause over HTTP, with a password", () => {
  const example = useExamples();
  let server: LocalServer;

  const start = async (change?: (node: Flow[number]) => Flow[number]): Promise<void> => {
    await example.start("Pause over HTTP, with a password", "P1S", (node) => {
      const it = change?.(node) ?? node;
      return it["type"] === "auth-policy" ? { ...it, credentials: { users: JSON.stringify(USERS) } } : it;
    });
    server = await serveHttp(example.pages);
  };
  const startPrint = async (): Promise<void> => {
    example.machine.startPrint({ minutes: 10 });
    await example.pass("RUNNING");
  };
  const post = async (headers: Record<string, string> = {}) => {
    const answer = await fetch(`${server.url}/pause`, { method: "POST", headers, body: "<b>not read</b>" });
    return { status: answer.status, headers: answer.headers, text: await answer.text() };
  };
  afterEach(() => server.close());

  it("pauses for a user with the password and the role, and says so when the printer has confirmed it", async () => {
    await start();
    await startPrint();
    const { status, text, headers } = await post(ANNA);
    assert.deepEqual([status, text, example.machine.state], [200, "paused", "PAUSE"]);
    assert.match(headers.get("content-type") ?? "", /^text\/plain/);
  });

  it("asks whoever has no password, or a wrong one, for it", async () => {
    await start();
    await startPrint();
    for (const who of [{}, basic("anna:guess"), basic("eve:guess"), { "x-api-key": "no session's" }]) {
      const { status, headers } = await post(who);
      assert.equal(status, 401);
      assert.match(headers.get("www-authenticate") ?? "", /^Basic realm="/);
    }
    assert.equal(example.machine.state, "RUNNING");
  });

  it("does not pause for a user without the role, and does not ask for another password", async () => {
    await start();
    await startPrint();
    const { status, text, headers } = await post(basic("ben:me too"));
    assert.deepEqual([status, text, headers.get("www-authenticate")], [403, "no rule allows it", null]);
    assert.equal(example.machine.state, "RUNNING");
  });

  it("hands on the printer's reason when there is nothing to pause", async () => {
    await start();
    const { status, text } = await post(ANNA);
    assert.equal(status, 409);
    assert.match(text, /^"pause" is possible only while a print is running/);
  });

  it("answers, too, when nobody can decide", async () => {
    // The gate has another policy than the login, and it is broken.
    await start((node) => {
      if (node["type"] === "auth-gate") return { ...node, policy: "broken" };
      return node["type"] === "comment" ? { id: "broken", type: "auth-policy", rules: [{ effect: "maybe" }] } : node;
    });
    const { status, text } = await post(ANNA);
    assert.equal(status, 503);
    assert.match(text, /^Rule 1 /);
  });

  it("answers, too, when a node is not set up", async () => {
    await start((node) => (node["type"] === "auth-gate" ? { ...node, policy: "" } : node));
    const { status, text } = await post(ANNA);
    assert.equal(status, 500);
    assert.match(text, /policy/);
  });
});
