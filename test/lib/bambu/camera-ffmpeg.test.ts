import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { takePicture } from "../../../lib/bambu/camera";
import { PrinterReports } from "../../../lib/bambu/frames";
import { modelOf } from "../../../lib/bambu/models";
import type { Trust } from "../../../lib/bambu/tls";
import { isPrintgateError, type PrintgateError } from "../../../lib/errors";
import { fingerprintOf } from "../../../lib/simulator/printer/certificate";
import { openRtspCamera, type RtspCamera } from "../../support/rtsp-camera";
import { tool } from "../../support/tools";
import { until } from "../../support/wait";

const CODE = "8765'43 21";
const SERIAL = "00M00A000000001";
const known = { ...new PrinterReports({ serial: SERIAL }).known, model: modelOf([], SERIAL), report: {} };

/** What other users of the machine can see of the processes that we started to take a picture. */
function visible(): string[] {
  if (!existsSync("/proc")) return [];
  const read = (file: string): string => {
    try {
      return readFileSync(file, "latin1");
    } catch {
      return "";
    }
  };
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => read(`/proc/${pid}/stat`).replace(/^.*\)/s, "").split(" ")[2] === String(process.pid))
    .map((pid) => read(`/proc/${pid}/cmdline`).replaceAll("\0", " "))
    .filter((line) => line.includes("-f concat"));
}

describe("a picture of an RTSPS camera, through ffmpeg", function () {
  let camera: RtspCamera;
  let ffmpeg: string;
  const path = process.env["PATH"];

  const open = async (how: { silent?: boolean } = {}): Promise<void> => {
    camera = await openRtspCamera({ serial: SERIAL, accessCode: CODE, ffmpeg, ...how });
  };
  const take = (
    difference: { accessCode?: string; trust?: Trust; port?: number; signal?: AbortSignal } = {},
  ): Promise<Buffer> => {
    const { signal = AbortSignal.timeout(50_000), port = camera.port, ...others } = difference;
    const trust: Trust = {
      mode: "pin",
      fingerprint: fingerprintOf(camera.certificate),
      learn: () => Promise.resolve(),
    };
    const place = { host: "127.0.0.1", port: 6000, rtspsPort: port, serial: SERIAL, accessCode: CODE, trust };
    return takePicture({ ...place, ...others }, known, { signal });
  };
  const refusal = async (work: Promise<Buffer>): Promise<PrintgateError> => {
    const thrown: unknown = await work.then(
      () => assert.fail("there was a picture"),
      (error: unknown) => error,
    );
    assert.ok(isPrintgateError(thrown), String(thrown));
    for (const code of [CODE, encodeURIComponent(CODE), "8765%27"])
      assert.ok(!JSON.stringify([thrown.message, thrown.stack, String(thrown.cause)]).includes(code));
    return thrown;
  };

  beforeEach(function () {
    ffmpeg = tool(this, "ffmpeg");
    process.env["PATH"] = [dirname(ffmpeg), path].join(delimiter);
  });
  afterEach(async () => {
    process.env["PATH"] = path;
    await (camera as RtspCamera | undefined)?.close();
  });

  it("is a JPEG, and the access code is in nobody's list of processes", async () => {
    await open();
    const seen = new Set<string>();
    const looking = setInterval(() => {
      for (const line of visible()) seen.add(line);
    }, 20);
    const picture = await take().finally(() => {
      clearInterval(looking);
    });
    assert.deepEqual([picture.readUInt16BE(0), picture.readUInt16BE(picture.length - 2)], [0xffd8, 0xffd9]);
    assert.ok(picture.length > 1000);
    if (existsSync("/proc")) assert.ok(seen.size > 0, "it was seen at work");
    assert.ok([...seen].every((line) => !line.includes("8765") && !line.includes("bblp")));
    await until("the camera is free again", () => camera.clients === 0);
    assert.equal(camera.asked.filter((line) => line.startsWith("SETUP")).length, 1, "no datagrams were asked for");
  });

  it("is refused with a wrong access code", async () => {
    await open();
    assert.equal((await refusal(take({ accessCode: "00000000" }))).code, "access-refused");
    await until("the camera is free again", () => camera.clients === 0);
  });

  it("is not asked for where the certificate is another one: the code is said to nobody", async () => {
    await open();
    const trust: Trust = { mode: "pin", fingerprint: "AA:".repeat(31) + "AA", learn: () => Promise.resolve() };
    assert.equal((await refusal(take({ trust }))).code, "certificate-changed");
    assert.deepEqual(camera.asked, []);
  });

  it("needs a printer that answers", async () => {
    await open();
    const { port } = camera;
    await camera.close();
    assert.equal((await refusal(take({ port }))).code, "unreachable");
  });

  it("needs ffmpeg, and says so where it is absent", async () => {
    await open();
    const empty = await mkdtemp(join(tmpdir(), "printgate-empty-"));
    process.env["PATH"] = empty;
    const error = await refusal(take());
    await rm(empty, { recursive: true });
    assert.equal(error.code, "camera-failed");
    assert.match(error.message, /needs ffmpeg, which is not installed/);
    await until("the camera is free again", () => camera.clients === 0);
  });

  it("that nobody waits for any more leaves no process and no connection", async () => {
    await open({ silent: true });
    const abort = new AbortController();
    const work = refusal(take({ signal: abort.signal }));
    await until("it waits for packets", () => camera.asked.some((line) => line.startsWith("PLAY")));
    abort.abort();
    assert.equal((await work).code, "camera-failed");
    await until("the camera is free again", () => camera.clients === 0);
    await until("the process is gone", () => visible().length === 0);
  });

  it("of a camera that ends the connection is an error in words", async () => {
    await open({ silent: true });
    const work = refusal(take());
    await until("it waits for packets", () => camera.asked.some((line) => line.startsWith("PLAY")));
    await camera.close();
    const error = await work;
    assert.equal(error.code, "camera-failed");
    assert.match(error.message, /^ffmpeg gave no picture/);
  });
});
