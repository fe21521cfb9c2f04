/** Devices, firmware, tasks, and the application certificate. Source: Bambu protocol notes, device list to "other". */
import { randomBytes } from "node:crypto";
import type { JsonObject } from "../json";
import { type Answer, envelope, plain, refusal, type Route, type Signed } from "./answers";
import type { ApplicationPapers } from "../certificates";
import { boundRow, catalogueRow, type CloudTask, type DeviceBook, queueRow } from "./devices";

const LONGEST_NAME = 64;
const LONGEST_PAGE = 100;
/** Bytes of the wrapped private key that goes with an application certificate. */
const KEY_BYTES = 704;

const FOREIGN = refusal(403, null, "This device is not yours.");
const iso = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;

function taskRow(task: CloudTask, deviceName: string, deviceModel: string): JsonObject {
  const { id, title, serial, status, startedAt, endedAt } = task;
  return {
    id,
    title,
    designTitle: "",
    modelId: "",
    profileId: 0,
    plateIndex: 1,
    plateName: "",
    deviceId: serial,
    deviceName,
    deviceModel,
    status,
    failedType: 0,
    startTime: iso(startedAt),
    endTime: endedAt === null ? "" : iso(endedAt),
    costTime: 900,
    weight: 12.5,
    length: 420,
    cover: "",
    mode: "cloud_file",
    bedType: "textured_plate",
    useAms: true,
    amsDetailMapping: [],
  };
}

const pageNumber = (text: string | null, otherwise: number, most: number): number =>
  text !== null && /^\d{1,6}$/.test(text) ? Math.min(Number(text), most) : otherwise;

function listTasks(devices: DeviceBook, { user, query }: Signed): Answer {
  const offset = pageNumber(query.get("offset"), 0, 1_000_000);
  const limit = pageNumber(query.get("limit"), 20, LONGEST_PAGE);
  const status = pageNumber(query.get("status"), 0, 9);
  const all = devices
    .tasksOf(user.account, query.get("deviceId"))
    .filter((task) => status === 0 || task.status === status);
  const hits = all.slice(offset, offset + limit).map((task) => {
    const device = devices.get(task.serial);
    return taskRow(task, device?.name ?? "", device?.productName ?? "");
  });
  return plain({ total: all.length, hits });
}

function rename(devices: DeviceBook, { user, body }: Signed): Answer {
  const { dev_id: serial, dev_name: name } = body;
  if (typeof serial !== "string" || typeof name !== "string") return refusal(400, null, "An argument is missing.");
  const device = devices.get(serial);
  if (device === null || device.account !== user.account) return FOREIGN;
  if (name.trim() === "" || name.length > LONGEST_NAME) return refusal(422, null, "The name can not be used.");
  device.name = name;
  return envelope();
}

function firmware(devices: DeviceBook, { user, query }: Signed): Answer {
  const serial = query.get("dev_id");
  if (serial === null || serial === "") return { status: 400, body: "dev_id is missing" };
  const device = devices.get(serial);
  if (device === null || device.account !== user.account) return FOREIGN;
  return envelope({ devices: [catalogueRow(device, devices.catalogueOf(device))] });
}

function applicationCertificate(papers: ApplicationPapers, { query }: Signed): Answer {
  if (query.get("ver") !== "1") return refusal(400, 101, "This application is outdated.");
  if ((query.get("aes256") ?? "") === "") return refusal(400, null, "An argument is missing.");
  // What is in the blob is known to nobody: it is noise of the right length.
  const key = randomBytes(KEY_BYTES).toString("base64");
  return envelope({ code: 0, cert: papers.chain, crl: [papers.revocations], key });
}

export function deviceRoutes(devices: DeviceBook, papers: ApplicationPapers): Route[] {
  const api = "^/v1/iot-service/api/user";
  return [
    {
      method: "GET",
      path: new RegExp(`${api}/print$`),
      run: ({ user }) => {
        const own = devices.of(user.account);
        // The queue of an account without devices is a success without the key.
        return own.length === 0 ? envelope() : envelope({ devices: own.map(queueRow) });
      },
    },
    {
      method: "GET",
      path: new RegExp(`${api}/bind$`),
      run: ({ user }) => envelope({ devices: devices.of(user.account).map(boundRow) }),
    },
    { method: "GET", path: new RegExp(`${api}/device/version$`), run: (question) => firmware(devices, question) },
    { method: "PATCH", path: new RegExp(`${api}/device/info$`), run: (question) => rename(devices, question) },
    {
      method: "GET",
      path: new RegExp(`${api}/applications/[^/]+/cert$`),
      run: (question) => applicationCertificate(papers, question),
    },
    { method: "GET", path: /^\/v1\/user-service\/my\/tasks$/, run: (question) => listTasks(devices, question) },
  ];
}
