import assert from "node:assert/strict";
import { type Asked, commandAsked } from "../../../lib/node-red/command-asked";

const ID = "01P00A000000001";
const topic = (command: string, id = ID) => `printers/${id}/commands/${command}`;
const ask = (msg: object, configured: "" | "pause" = ""): Asked => commandAsked(msg, { printerId: ID, configured });
const done = (command: string) => ({ kind: "command", command });

function assertRefused(msg: object, configured: "" | "pause" = "", words = /./): void {
  const asked = ask(msg, configured);
  assert.ok(asked.kind === "refused", JSON.stringify(msg));
  assert.match(asked.reason, words);
}

describe("which command a message asks for", () => {
  it("is what its topic says", () => {
    assert.deepEqual(ask({ topic: topic("gcode") }), done("gcode"));
    assert.deepEqual(ask({ topic: topic("pause"), command: "pause" }, "pause"), done("pause"));
    assert.deepEqual(ask({ topic: topic("pause"), command: null }), done("pause"));
  });

  it("else what the node is set to, else what msg.command says", () => {
    for (const other of [
      undefined,
      null,
      "",
      `printers/${ID}/status`,
      `printers/OTHER/events/door.opened`,
      "home/commands/x",
    ]) {
      assert.deepEqual(ask({ topic: other, command: "stop" }, "pause"), done("pause"), String(other));
      assert.deepEqual(ask({ topic: other, command: "stop" }), done("stop"), String(other));
      assertRefused({ topic: other }, "", /no command/);
    }
  });

  it("is nothing where two of them differ", () => {
    assertRefused({ topic: topic("gcode") }, "pause", /another command than "pause"/);
    assertRefused({ topic: topic("pause"), command: "gcode" }, "", /msg.command asks for another/);
    assertRefused({ topic: topic("pause"), command: "Pause" });
  });

  it("is nothing for another printer", () => {
    for (const id of ["01P00A000000002", ID.toLowerCase(), "+", "#", `${ID} `, `${ID}\0`, ".", ".."])
      assertRefused({ topic: topic("pause", id), command: "pause" }, "pause", /another printer/);
  });

  it("is nothing where the topic only looks like one, whatever else the message and the node say", () => {
    const alike = [
      ...[`/${topic("pause")}`, `${topic("pause")}/`, `${topic("pause")}/now`, `printers/${ID}/./commands/pause`],
      ...[`printers/${ID}//commands/pause`, `PRINTERS/${ID}/commands/pause`, `printers/${ID}/Commands/pause`],
      ...[`printers/${ID}/commands`, `printers/${ID}/commands/`, `printers//commands/pause`, "printers/commands/pause"],
    ];
    for (const one of alike) assertRefused({ topic: one, command: "pause" }, "pause");
  });

  it("is nothing where there is no such command", () => {
    for (const word of ["Pause", "PAUSE", "pausе", "pause ", "..", "__proto__", "constructor", "+", "%70ause"]) {
      assertRefused({ topic: topic(word), command: "pause" });
      assertRefused({ command: word });
    }
    const long = ask({ command: "x".repeat(5000) });
    assert.ok(long.kind === "refused" && long.command?.length === 64);
  });

  it("is read from plain text only: no list, object, getter or prototype", () => {
    for (const value of [[topic("pause")], { toString: () => topic("pause") }, 5, true, Buffer.from(topic("pause"))]) {
      assertRefused({ topic: value, command: "pause" }, "pause", /must be text/);
      assertRefused({ command: value }, "pause", /must be text/);
    }
    let reads = 0;
    const get = () => (reads++ === 0 ? topic("pause") : topic("gcode"));
    assertRefused(Object.defineProperty({ command: "pause" }, "topic", { get }), "pause", /must be text/);
    assertRefused(Object.defineProperty({}, "command", { get: () => "pause" }), "pause", /must be text/);
    assert.equal(reads, 0);
    assertRefused(Object.create({ topic: topic("gcode"), command: "gcode" }) as object, "", /no command/);
    assertRefused(JSON.parse(`{"__proto__":{"command":"gcode"}}`) as object, "", /no command/);
  });

  describe("after a gate", () => {
    const auth = (difference: object = {}) => ({
      ...{ result: "granted", action: "pub", topic: topic("pause"), reason: "", reasonCode: 0, rule: 0 },
      ...difference,
    });

    it("is what the gate has let through", () => {
      assert.deepEqual(ask({ topic: topic("pause"), auth: auth() }), done("pause"));
      assert.deepEqual(ask({ command: "pause", auth: auth() }), done("pause"));
      assert.deepEqual(ask({ topic: "wall/button", auth: auth({ topic: "wall/button" }) }, "pause"), done("pause"));
    });

    it("is nothing else than what was let through", () => {
      const words = /judged something else/;
      assertRefused({ topic: topic("gcode"), auth: auth() }, "", words);
      assertRefused(
        { topic: `printers/${ID}/status`, command: "gcode", auth: auth({ topic: `printers/${ID}/status` }) },
        "",
        words,
      );
      assertRefused({ command: "gcode", auth: auth() }, "", words);
      for (const action of ["sub", "unsub", "conn", undefined])
        assertRefused({ topic: topic("pause"), auth: auth({ action }) }, "", words);
      for (const action of ["sub", "unsub"]) assertRefused({ auth: auth({ action }) }, "pause", words);
      assertRefused({ topic: topic("pause"), auth: auth({ topic: [topic("pause")] }) }, "", words);
    });

    it("is nothing when it was not let through, or somebody could not log in", () => {
      for (const result of ["denied", "error", "rejected", "continue"])
        assertRefused({ topic: topic("pause"), auth: { ...auth(), result } }, "", /not let through/);
      assertRefused(Object.defineProperty({ topic: topic("pause") }, "auth", { get: () => auth() }), "", /plain/);
    });

    it("a login alone says who it is and forbids nothing, nor does what others keep in msg.auth", () => {
      for (const other of [{ result: "ok", userId: "amy" }, { user: "amy" }, "amy", null, { result: 5 }])
        assert.deepEqual(ask({ topic: topic("pause"), auth: other }), done("pause"));
    });
  });
});
