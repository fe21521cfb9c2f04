/** The printers that belong to accounts of the simulated cloud, and what it has heard of their work. */
import type { JsonObject } from "../json";

/** What a device is doing, as far as it reported. */
export interface DeviceWork {
  /** A cloud job has an id; a print from the local network has none. */
  readonly taskId: string | null;
  readonly title: string;
  /** The cloud's word: `RUNNING`, `PAUSE`, `SUCCESS`, `FAILED`. */
  readonly word: string;
  /** 0..100 */
  readonly percent: number;
  /** Epoch ms. */
  readonly startedAt: number;
}

/** An entry of a catalogue: a version that a printer or a feeder can be given. */
export interface CatalogueFirmware {
  readonly version: string;
  /** `release` when absent; null leaves the key out, as replies of earlier years did. */
  readonly status?: "release" | "beta" | null;
  readonly notes?: string;
  readonly force?: boolean;
}

export interface DeviceCatalogue {
  /** Installed, as the cloud knows it; null leaves the key out. */
  readonly version: string | null;
  readonly firmware: readonly CatalogueFirmware[];
  readonly ams: readonly { readonly amsId: number; readonly firmware: readonly CatalogueFirmware[] }[];
}

export interface CloudDevice {
  readonly serial: string;
  /** Whose it is. */
  readonly account: string;
  /** Changed by a rename. */
  name: string;
  /** The cloud's own word for the model, for example `C12`. */
  readonly modelName: string;
  readonly productName: string;
  readonly structure: "CoreXY" | "I3";
  /** mm */
  readonly nozzleDiameter: number;
  readonly online: boolean;
  readonly accessCode: string;
  readonly work: DeviceWork | null;
  readonly catalogue: DeviceCatalogue;
}

/** A row of the task list. */
export interface CloudTask {
  readonly id: number;
  readonly title: string;
  readonly serial: string;
  /** 2 finished, 3 ended otherwise, 4 at work. */
  status: 2 | 3 | 4;
  /** Epoch ms. */
  readonly startedAt: number;
  endedAt: number | null;
}

const KEPT_TASKS = 200;

/** All devices and tasks of one cloud. */
export class DeviceBook {
  private readonly bySerial = new Map<string, CloudDevice>();
  private readonly overruled = new Map<string, DeviceCatalogue>();
  /** Newest first. */
  private readonly tasks: CloudTask[] = [];

  add(device: CloudDevice): void {
    this.bySerial.set(device.serial, device);
  }

  remove(serial: string): void {
    this.bySerial.delete(serial);
  }

  get(serial: string): CloudDevice | null {
    return this.bySerial.get(serial) ?? null;
  }

  of(account: string): CloudDevice[] {
    return [...this.bySerial.values()].filter((device) => device.account === account);
  }

  /** What the catalogue says of a device instead of what follows from its printer; null = nothing special. */
  overrule(serial: string, catalogue: DeviceCatalogue | null): void {
    if (catalogue === null) this.overruled.delete(serial);
    else this.overruled.set(serial, catalogue);
  }

  catalogueOf(device: CloudDevice): DeviceCatalogue {
    return this.overruled.get(device.serial) ?? device.catalogue;
  }

  addTask(task: CloudTask): void {
    this.tasks.unshift(task);
    this.tasks.splice(KEPT_TASKS);
  }

  /** Newest first; of one device when its serial is given. */
  tasksOf(account: string, serial: string | null): CloudTask[] {
    const own = new Set(this.of(account).map((device) => device.serial));
    return this.tasks.filter((task) => own.has(task.serial) && (serial === null || task.serial === serial));
  }
}

/** A row of `user/print`: the task's members are null while nothing is on. */
export function queueRow(device: CloudDevice): JsonObject {
  const { work } = device;
  const task = work !== null && work.taskId !== null ? work : null;
  return {
    dev_id: device.serial,
    dev_name: device.name,
    dev_model_name: device.modelName,
    dev_product_name: device.productName,
    dev_online: device.online,
    dev_access_code: device.accessCode,
    task_id: task?.taskId ?? null,
    task_name: task?.title ?? null,
    task_status: task?.word ?? null,
    model_id: null,
    project_id: task?.taskId ?? null,
    profile_id: null,
    start_time: task === null ? null : new Date(task.startedAt).toISOString(),
    prediction: null,
    progress: task?.percent ?? null,
    thumbnail: null,
  };
}

/** A row of `user/bind`: the same device under partly other keys. */
export function boundRow(device: CloudDevice): JsonObject {
  return {
    dev_id: device.serial,
    name: device.name,
    online: device.online,
    print_status: device.work?.word ?? "SUCCESS",
    dev_model_name: device.modelName,
    dev_product_name: device.productName,
    dev_access_code: device.accessCode,
    nozzle_diameter: device.nozzleDiameter,
    dev_structure: device.structure,
    print_job: device.work?.taskId ?? null,
  };
}

function firmwareRow(
  path: string,
  { version, status = "release", notes = "", force = false }: CatalogueFirmware,
): JsonObject {
  const row = { version, force_update: force, url: `https://firmware.example.org/${path}/${version}.json.sig` };
  return { ...row, description: notes, ...(status === null ? {} : { status }) };
}

/** The catalogue's entry of one device. */
export function catalogueRow({ serial, modelName }: CloudDevice, catalogue: DeviceCatalogue): JsonObject {
  const { version, firmware, ams } = catalogue;
  return {
    dev_id: serial,
    ...(version === null ? {} : { version }),
    firmware: firmware.map((entry) => firmwareRow(modelName, entry)),
    ams: ams.map((unit) => ({
      ams_id: unit.amsId,
      firmware: unit.firmware.map((entry) => firmwareRow("ams", entry)),
    })),
  };
}
