import assert from "node:assert/strict";
import { explainMqtt } from "../../../lib/bambu/mqtt";

describe("what an error of the MQTT client means", () => {
  const wordsOf = (message: string, code?: string | number) =>
    explainMqtt(Object.assign(new Error(message), code === undefined ? {} : { code }), "s3cret").message;

  it("is told in words, not in those of the socket", () => {
    assert.equal(wordsOf("read ECONNRESET", "ECONNRESET"), "the connection was cut");
    assert.equal(wordsOf("write EPIPE", "EPIPE"), "the connection was cut");
    assert.equal(wordsOf("Keepalive timeout"), "no answer any more");
    assert.equal(wordsOf("connack timeout"), "no answer to the login");
  });

  it("is a refusal by the number of the answer to the login", () => {
    assert.match(wordsOf("Connection refused: Not authorized", 5), /^access code refused/);
  });

  it("repeats no secret where nobody has words for it", () => {
    const words = wordsOf("odd packet s3cret", "toString");
    assert.ok(words.startsWith("odd packet") && !words.includes("s3cret"), words);
  });
});
