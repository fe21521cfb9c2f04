import assert from "node:assert/strict";
import { cameraOf, FrameReader, takePicture } from "../../../lib/bambu/camera";
import { PrinterReports } from "../../../lib/bambu/frames";
import { modelOf } from "../../../lib/bambu/models";
import type { Trust } from "../../../lib/bambu/tls";
import { isPrintgateError, type PrintgateError } from "../../../lib/errors";
import { CAMERA_PICTURE } from "../../../lib/simulator/printer/camera-picture";
import type { CameraFault } from "../../../lib/simulator/printer/camera-server";
import { startVirtualPrinter, type VirtualPrinter } from "../../../lib/simulator/printer/virtual-printer";
import { until } from "../../support/wait";

const CODE = "87654321";
const SERIAL = "01P00A000000008";
const known = (ipcam?: object) => ({
  ...new PrinterReports({ serial: SERIAL }).known,
  model: modelOf([], SERIAL),
  report: ipcam === undefined ? {} : { ipcam },
});

describe("a picture of a printer's camera", () => {
  let machine: VirtualPrinter;
  const take = (
    difference: { accessCode?: string; trust?: Trust; port?: number; withinMs?: number } = {},
  ): Promise<Buffer> =>
    takePicture(
      {
        host: "127.0.0.1",
        port: difference.port ?? machine.doors.cameraPort,
        serial: SERIAL,
        accessCode: difference.accessCode ?? CODE,
        trust: difference.trust ?? {
          mode: "pin",
          fingerprint: machine.fingerprint,
          learn: () => Promise.resolve(),
        },
      },
      known(),
      { signal: AbortSignal.timeout(difference.withinMs ?? 30_000) },
    );
  const refusal = async (work: Promise<Buffer>): Promise<PrintgateError> => {
    const thrown: unknown = await work.then(
      () => assert.fail("there was a picture"),
      (error: unknown) => error,
    );
    assert.ok(isPrintgateError(thrown), String(thrown));
    assert.ok(!JSON.stringify([thrown.message, String(thrown.cause)]).includes(CODE));
    return thrown;
  };

  beforeEach(async () => {
    machine = await startVirtualPrinter({ model: "P1S", serial: SERIAL, accessCode: CODE, timeScale: 0 });
  });
  afterEach(() => machine.close());

  it("is a whole JPEG, and the connection is given back", async () => {
    assert.deepEqual(await take(), CAMERA_PICTURE);
    await until("the camera is free again", () => machine.doors.watchers === 0);
  });

  it("that comes in small pieces is put together", async () => {
    machine.doors.cameraFault = "slow";
    assert.deepEqual(await take(), CAMERA_PICTURE);
  });

  const faults: readonly (readonly [CameraFault, RegExp, withinMs?: number])[] = [
    ["garbage", /no whole picture/],
    ["huge", /something that is no picture/],
    ["half", /ended the picture before it was whole/],
    ["silent", /no picture came in time/, 400],
  ];
  for (const [fault, words, withinMs = 30_000] of faults) {
    it(`of a camera that is ${fault} is an error in words, and frees the camera`, async () => {
      machine.doors.cameraFault = fault;
      const error = await refusal(take({ withinMs }));
      assert.equal(error.code, "camera-failed");
      assert.match(error.message, words);
      await until("the camera is free again", () => machine.doors.watchers === 0);
    });
  }

  it("is refused with a wrong access code", async () => {
    const error = await refusal(take({ accessCode: "00000000" }));
    assert.equal(error.code, "access-refused");
  });

  it("is not asked for where the certificate is another one", async () => {
    const trust: Trust = { mode: "pin", fingerprint: "AA:".repeat(31) + "AA", learn: () => Promise.resolve() };
    assert.equal((await refusal(take({ trust }))).code, "certificate-changed");
  });

  it("can not be had where nothing answers", async () => {
    const port = machine.doors.cameraPort;
    await machine.close();
    assert.equal((await refusal(take({ port }))).code, "unreachable");
  });
});

describe("the kind of a camera", () => {
  it("is what the printer's reports say, else what its model has", () => {
    assert.equal(cameraOf(known()), "jpeg");
    assert.equal(cameraOf(known({ rtsp_url: "rtsps://192.0.2.7:322/streaming/live/1" })), "rtsps");
    assert.equal(cameraOf(known({ rtsp_url: "disable" })), "off");
    assert.equal(cameraOf({ ...known(), model: modelOf([], "00M00A000000001") }), "rtsps");
  });

  it("says how live view is switched on where it is off", async () => {
    const place = {
      host: "127.0.0.1",
      port: 1,
      serial: SERIAL,
      accessCode: CODE,
      trust: { mode: "insecure" },
    } as const;
    await assert.rejects(
      takePicture(place, known({ rtsp_url: "disable" }), { signal: new AbortController().signal }),
      /LAN only liveview/,
    );
  });
});

describe("the frames of a camera", () => {
  it("are read whatever the pieces they come in", () => {
    const header = Buffer.alloc(16);
    header.writeUInt32LE(CAMERA_PICTURE.length, 0);
    const bytes = Buffer.concat([header, CAMERA_PICTURE, header]);
    for (const size of [1, 7, 16, 17, 1000, bytes.length]) {
      const reader = new FrameReader();
      let picture: Buffer | null = null;
      for (let from = 0; from < bytes.length && picture === null; from += size)
        picture = reader.take(bytes.subarray(from, from + size));
      assert.deepEqual(picture, CAMERA_PICTURE, `pieces of ${size}`);
    }
  });
});
