import assert from "node:assert/strict";
import { PrintgateError } from "../../../lib/errors";
import { Pictures } from "../../../lib/printer/pictures";
import { FakeLink } from "../../support/fake-link";

const JPEG = Buffer.from([0xff, 0xd8, 1, 2, 3, 0xff, 0xd9]);

/** A camera that gives its picture when the test says so. */
class Camera extends FakeLink {
  readonly asked: { readonly signal: AbortSignal; give(picture: Buffer): void; refuse(error: Error): void }[] = [];

  snapshot({ signal }: { readonly signal: AbortSignal }): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      this.asked.push({ signal, give: resolve, refuse: reject });
    });
  }
}

describe("pictures of a printer", () => {
  let camera: Camera;
  let pictures: Pictures;
  const never = (): AbortSignal => new AbortController().signal;
  const take = (timeoutMs = 5000, signal = never()): Promise<Buffer> => pictures.take({ timeoutMs, signal });
  const codeOf = async (work: Promise<Buffer>): Promise<string> => {
    const thrown: unknown = await work.then(
      () => assert.fail("there was a picture"),
      (error: unknown) => error,
    );
    assert.ok(thrown instanceof PrintgateError);
    return thrown.code;
  };

  beforeEach(() => {
    camera = new Camera();
    pictures = new Pictures(camera);
  });

  it("that are asked for while one is on its way are that one, each a copy of its own", async () => {
    const all = [take(), take(), take()];
    assert.equal(camera.asked.length, 1);
    camera.asked[0]?.give(JPEG);
    const [first, second, third] = await Promise.all(all);
    assert.deepEqual([first, second, third], [JPEG, JPEG, JPEG]);
    first?.fill(0);
    assert.deepEqual([second, third], [JPEG, JPEG]);
    assert.equal(JPEG[0], 0xff);
    const next = take();
    assert.equal(camera.asked.length, 2);
    camera.asked[1]?.give(JPEG);
    assert.deepEqual(await next, JPEG);
  });

  it("keep each one's own time limit, and are called off when the last one has given up", async () => {
    const short = take(20);
    const long = take(60);
    assert.equal(await codeOf(short), "timeout");
    assert.equal(camera.asked[0]?.signal.aborted, false);
    assert.equal(await codeOf(long), "timeout");
    assert.equal(camera.asked[0].signal.aborted, true);
    const next = take();
    assert.equal(camera.asked.length, 2, "what was called off is not waited for again");
    camera.asked[0].give(Buffer.from("late"));
    camera.asked[1]?.give(JPEG);
    assert.deepEqual(await next, JPEG);
  });

  it("that fail, fail for everybody who waits, and the next one is tried anew", async () => {
    const all = [take(), take()];
    camera.asked[0]?.refuse(new PrintgateError("access-refused", "no"));
    assert.deepEqual(await Promise.all(all.map(codeOf)), ["access-refused", "access-refused"]);
    const next = take();
    camera.asked[1]?.give(JPEG);
    assert.deepEqual(await next, JPEG);
  });

  it("that one does not want any more are still taken for the others", async () => {
    const abort = new AbortController();
    const gone = take(5000, abort.signal);
    const stays = take();
    abort.abort();
    assert.equal(await codeOf(gone), "camera-failed");
    assert.equal(camera.asked[0]?.signal.aborted, false);
    camera.asked[0].give(JPEG);
    assert.deepEqual(await stays, JPEG);
    assert.equal(await codeOf(take(5000, abort.signal)), "camera-failed");
    assert.equal(camera.asked.length, 1, "nobody is asked for who is gone already");
  });

  it("are called off when the connection closes, and can be taken over the next one", async () => {
    const work = take();
    camera.asked[0]?.signal.addEventListener("abort", () => {
      camera.asked[0]?.refuse(new PrintgateError("camera-failed", "called off"));
    });
    pictures.close();
    assert.equal(await codeOf(work), "camera-failed");
    const next = take();
    camera.asked[1]?.give(JPEG);
    assert.deepEqual(await next, JPEG);
    pictures.close();
  });

  it("are not to be had over a link without a camera", async () => {
    pictures = new Pictures(new FakeLink());
    assert.equal(await codeOf(take()), "not-supported");
  });
});
