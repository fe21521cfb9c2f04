import assert from "node:assert/strict";
import { type CloudHub, cloudHub } from "../../../lib/bambu/cloud/hub";
import { bambuCloud } from "../../../lib/bambu/cloud/link";
import type { CloudAccess } from "../../../lib/bambu/cloud/types";
import { bambuLan } from "../../../lib/bambu/session";
import type { PrinterEvent } from "../../../lib/printer/events";
import { failover } from "../../../lib/printer/failover";
import type { Link } from "../../../lib/printer/link";
import { Printer } from "../../../lib/printer/printer";
import { sameValue } from "../../../lib/printer/status";
import { startVirtualCloud, type VirtualCloud } from "../../../lib/simulator/cloud/virtual-cloud";
import { startVirtualPrinter, type VirtualPrinter } from "../../../lib/simulator/printer/virtual-printer";
import { FakeMemory } from "../../support/fake-link";
import { LanProxy } from "../../support/lan-proxy";
import { until } from "../../support/wait";
import { randomFrom } from "../../support/random";

const ACCOUNT = "anna@example.org";
const CODE = "s3cr3t-code";
/** The printers say something more often than that. */
const QUIET_MS = 200;
const SAYS_SOMETHING_MS = 50;
const backoff = () => 20;

const toClose: (() => Promise<unknown>)[] = [];

async function aCloud(): Promise<VirtualCloud> {
  const cloud = await startVirtualCloud({
    users: [{ account: ACCOUNT, password: "long enough", uid: 4711, name: "Anna" }],
  });
  toClose.push(() => cloud.close());
  return cloud;
}

function accessTo(cloud: VirtualCloud): CloudAccess {
  return {
    url: cloud.mqttUrl,
    credentials: () => Promise.resolve({ username: "u_4711", password: cloud.token(ACCOUNT) }),
    changed: () => () => undefined,
    refused: () => undefined,
  };
}

/** Somebody who uses a printer, and all events that they heard. */
class User {
  readonly events: PrinterEvent[] = [];
  readonly links = new Set<string>();
  /** Marks that the test sent, since it last cleared them. */
  readonly signals = new Set<number | null>();
  readonly printer: Printer;

  constructor(link: Link, id: string) {
    const log = { warn: () => undefined };
    this.printer = new Printer({ id, name: id, link, staleAfterMs: 60_000, memory: new FakeMemory(), log });
    this.printer.subscribe({
      event: (event) => {
        // How long a link may be away before that is an event is another matter.
        if (!event.event.startsWith("printer.")) this.events.push(event);
      },
      status: ({ network }, { link: via }) => {
        this.links.add(via ?? "none");
        this.signals.add(network.wifiSignalDbm);
      },
    });
    toClose.push(() => this.printer.close());
  }

  /** What happened, one line an event. The order inside one report is not the story's. */
  lines(from: number): string[] {
    return this.events
      .slice(from)
      .map(
        ({ event, job, value, alert }) =>
          `${event} ${job?.name ?? "-"} ${job?.id ?? "-"} ${told(value)}${alert?.code ?? ""}`,
      )
      .sort();
  }

  get picture() {
    const { online, state, stage, job, alerts, door, filament } = this.printer.status;
    const { name = null, progress = null, layer = null } = job ?? {};
    return { online, state, stage, name, progress, layer, alerts, door, active: filament.active };
  }
}

const told = (value: unknown): string => (typeof value === "number" ? String(value) : "");

/** One virtual printer and two who use it: one beside it on a network that never fails, one through everything. */
class Scene {
  readonly proxy: LanProxy;
  readonly near: User;
  readonly far: User;
  private readonly pump: NodeJS.Timeout;
  private marks = 0;
  private jobs = 0;

  private constructor(
    readonly machine: VirtualPrinter,
    proxy: LanProxy,
    hub: CloudHub,
  ) {
    this.proxy = proxy;
    const { serial } = machine;
    const common = { serial, host: "127.0.0.1", accessCode: CODE, trust: { mode: "insecure" }, backoff } as const;
    this.near = new User(bambuLan({ ...common, port: machine.port, staleAfterMs: 60_000 }), serial);
    const lan = bambuLan({ ...common, port: proxy.port, staleAfterMs: 60_000 });
    const cloud = bambuCloud({ serial, hub, staleAfterMs: 60_000, backoff });
    this.far = new User(failover({ lan, cloud, quietMs: QUIET_MS }), serial);
    this.pump = setInterval(() => {
      machine.publish({ print: { command: "push_status", msg: 1, fan_gear: 0 } });
    }, SAYS_SOMETHING_MS);
  }

  static async start(options: { cloud: VirtualCloud; hub: CloudHub; model: string; serial: string }): Promise<Scene> {
    const machine = await startVirtualPrinter({ ...options, accessCode: CODE, timeScale: 0 });
    toClose.push(() => machine.close());
    options.cloud.attach(machine, { user: ACCOUNT });
    const proxy = await new LanProxy(machine.port).listen();
    const scene = new Scene(machine, proxy, options.hub);
    toClose.push(() => {
      clearInterval(scene.pump);
      return proxy.close();
    });
    await until("both have heard it", () => scene.near.picture.online && scene.far.picture.online);
    return scene;
  }

  get via(): string | null {
    return this.far.printer.identity.link;
  }

  async on(link: "lan" | "cloud"): Promise<void> {
    await until(`${this.machine.serial} is heard over ${link}`, () => this.via === link && this.far.picture.online);
  }

  /**
   * Something happens to the printer, and often more than one thing; what it was. Only what its reports still show
   * afterwards: nobody can know of a pause that was over before they came back.
   */
  happenings(random: () => number): string {
    const told = [this.step(random)];
    const goesOn = () => ["PREPARE", "RUNNING"].includes(this.machine.state) && random() < 0.6;
    if (told[0] === "start") while (goesOn()) told.push(this.step(random, ["advance"]));
    else while (told.at(-1) === "advance" && goesOn()) told.push(this.step(random));
    return told.join(", ");
  }

  private step(random: () => number, only?: readonly string[]): string {
    const { machine } = this;
    const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
    const seconds = 5 + Math.floor(random() * 120);
    const during: Record<string, readonly string[]> = {
      IDLE: ["start", "start", "door", "alert"],
      FINISH: ["start", "start", "door"],
      FAILED: ["rest", "start", "alert"],
      PREPARE: ["advance", "advance", "cancel", "door"],
      RUNNING: ["advance", "advance", "advance", "advance", "pause", "runout", "cancel", "finish", "alert"],
      PAUSE: ["resume", "resume", "resume", "cancel"],
    };
    const what = pick(only ?? during[machine.state] ?? ["rest"]);
    const acts: Record<string, () => void> = {
      start: () => {
        // A cancel leaves its word for some seconds; a new job comes after it.
        machine.advance(10);
        this.jobs += 1;
        const taskId = random() < 0.5 ? String(5000 + this.jobs) : "0";
        machine.startPrint({ name: `part ${this.jobs}`, taskId, minutes: 30, layers: 60 });
      },
      rest: () => {
        machine.advance(10);
      },
      advance: () => {
        machine.advance(seconds);
      },
      pause: () => {
        machine.pause();
      },
      resume: () => {
        machine.resume();
      },
      runout: () => {
        machine.runOut();
      },
      finish: () => {
        machine.finish();
      },
      cancel: () => {
        machine.cancel();
        machine.advance(2);
      },
      door: () => {
        if (random() < 0.5) machine.openDoor();
        else machine.closeDoor();
      },
      alert: () => {
        if (random() < 0.5) machine.raiseAlert(0x05000200, 0x00030004);
        else machine.clearAlerts();
      },
    };
    acts[what]?.();
    return what;
  }

  /** Waits until both know the same, and compares what they were told since. */
  async compare(from: readonly [number, number], what: string): Promise<[number, number]> {
    const { near, far, machine } = this;
    const dbm = -60 - (++this.marks % 80);
    near.signals.clear();
    machine.publish({ print: { command: "push_status", msg: 1, wifi_signal: `${dbm}dBm` } });
    await until("the one on the sound network has heard it", () => near.signals.has(dbm));
    const same = () => sameValue(near.picture, far.picture) && sameValue(near.lines(from[0]), far.lines(from[1]));
    await until(`${machine.serial}: after ${what} both know the same`, same).catch(() => {
      assert.deepEqual(far.lines(from[1]), near.lines(from[0]), `${machine.serial}: ${what}`);
      assert.deepEqual(far.picture, near.picture, `${machine.serial}: ${what}`);
    });
    return [near.events.length, far.events.length];
  }
}

describe("a Bambu printer with two ways to it", () => {
  afterEach(async () => {
    for (const close of toClose.splice(0).reverse()) await close();
  });

  it("tells through 200 cut links what it tells through none", async function () {
    this.timeout(240_000);
    const cloud = await aCloud();
    const hub = cloudHub(accessTo(cloud), { backoff });
    const models = [
      ["P1S", "01P00A000000001"],
      ["X1C", "00M00A000000002"],
      ["A1 mini", "03000A000000003"],
      ["H2D", "09400A000000004"],
    ] as const;
    const scenes = await Promise.all(models.map(([model, serial]) => Scene.start({ cloud, hub, model, serial })));
    let cuts = 0;

    async function live(scene: Scene, index: number): Promise<void> {
      const random = randomFrom(index + 1);
      const { proxy, machine } = scene;
      let from: [number, number] = [0, 0];
      const happen = async (heal: () => Promise<void> = () => Promise.resolve()) => {
        const what = random() < 0.6 ? scene.happenings(random) : "nothing";
        await heal();
        from = await scene.compare(from, what);
      };
      const cut = (how: () => void) => {
        cuts += 1;
        how();
      };
      /** What may go wrong while the cloud stands in. */
      const further: readonly (() => Promise<void>)[] = [
        () => Promise.resolve(),
        async () => {
          cut(() => {
            cloud.mqtt.cut();
          });
          await happen(() => scene.on("cloud"));
        },
        async () => {
          cut(() => {
            cloud.cutUplink(machine.serial);
          });
          // Where another printer's turn cuts the cloud in the same moment, nobody hears of it.
          await until("the cloud says so", () => scene.via !== "cloud", 200).catch(() => undefined);
          await happen(async () => {
            cloud.mendUplink(machine.serial);
            await scene.on("cloud");
          });
        },
      ];
      await happen(() => scene.on("lan"));
      while (cuts < 200) {
        const kind = random();
        if (kind < 0.2) {
          cut(() => {
            proxy.cut();
          });
          await happen(async () => {
            await until("it is heard again", () => scene.far.picture.online && scene.via !== null);
            await scene.on("lan");
          });
          continue;
        }
        cut(() => {
          if (kind < 0.7) proxy.refuse();
          else proxy.stall();
        });
        await happen(() => scene.on("cloud"));
        await happen();
        await further[Math.floor(random() * further.length)]?.();
        await happen(() => {
          proxy.restore();
          return scene.on("lan");
        });
        await happen();
      }
    }

    await Promise.all(scenes.map(live));
    assert.ok(cuts >= 200);
    for (const { near, far } of scenes) {
      assert.ok(near.events.length > 25, String(near.events.length));
      assert.deepEqual(far.lines(0), near.lines(0));
      assert.ok(far.links.has("lan") && far.links.has("cloud"));
      assert.deepEqual([...near.links], ["lan"]);
      const missed = far.events.filter(({ recovered }) => recovered).length;
      assert.ok(missed > 0);
    }
    assert.ok(cloud.mqtt.clients.length <= 1);
  });

  it("sends commands over the way that is in use, and says which that is", async () => {
    const cloud = await aCloud();
    const hub = cloudHub(accessTo(cloud), { backoff });
    const scene = await Scene.start({ cloud, hub, model: "P1S", serial: "01P00A000000001" });
    const { machine, proxy, far } = scene;
    await scene.on("lan");
    machine.startPrint({ minutes: 30 });
    machine.advance(600);
    await until("it prints", () => far.picture.state === "printing");
    const paused = await far.printer.send({ name: "pause" }, { timeoutMs: 30_000 });
    assert.equal(paused.confirmed, true);
    assert.equal(machine.state, "PAUSE");
    proxy.refuse();
    await scene.on("cloud");
    const resumed = await far.printer.send({ name: "resume" }, { timeoutMs: 30_000 });
    assert.equal(resumed.confirmed, true);
    assert.equal(machine.state, "RUNNING");
    const sent = machine.requests.filter(({ section }) => section === "print").map(({ command }) => command);
    assert.deepEqual(sent, ["pause", "resume"]);
    cloud.cutUplink(machine.serial);
    await until("there is no way", () => scene.via === null);
    const refused = await far.printer.send({ name: "pause" }, { timeoutMs: 30_000 });
    assert.ok(!refused.confirmed && refused.code === "offline");
    assert.equal(machine.state, "RUNNING");
  });

  it("fifty openings and closings, at every moment, leave no connection and no timer", async function () {
    const cloud = await aCloud();
    const serial = "01P00A000000001";
    const machine = await startVirtualPrinter({ model: "P1S", serial, accessCode: CODE, timeScale: 0 });
    toClose.push(() => machine.close());
    cloud.attach(machine, { user: ACCOUNT });
    const proxy = await new LanProxy(machine.port).listen();
    toClose.push(() => proxy.close());
    const hub = cloudHub(accessTo(cloud), { backoff });
    const random = randomFrom(7);
    const handles = () => process.getActiveResourcesInfo().filter((name) => /Timeout|TCPSocketWrap|TLSWrap/.test(name));
    let before: number | null = null;
    const port = proxy.port;
    const common = { serial, host: "127.0.0.1", accessCode: CODE, trust: { mode: "insecure" }, backoff } as const;
    const lan = bambuLan({ ...common, port, staleAfterMs: 60_000 });
    const link = failover({ lan, cloud: bambuCloud({ serial, hub, staleAfterMs: 60_000 }), quietMs: 20 });
    for (let round = 0; round < 50; round++) {
      if (round % 2 === 0) proxy.refuse();
      else proxy.restore();
      let closed = false;
      const hear = () => {
        assert.equal(closed, false, "nothing is said after the close");
      };
      link.open({ state: hear, report: hear, warn: () => undefined });
      await new Promise((resolve) => setTimeout(resolve, random() * 60));
      await link.close();
      closed = true;
      before ??= handles().length;
    }
    await until("both brokers are alone", () => machine.clients === 0 && cloud.mqtt.clients.length === 0);
    await until("no handle is left over", () => handles().length <= before!);
  });

  it("two printers of an account use one connection, and the last to need it closes it", async () => {
    const cloud = await aCloud();
    const hub = cloudHub(accessTo(cloud), { backoff });
    const scenes = await Promise.all(
      [
        ["P1S", "01P00A000000001"],
        ["X1C", "00M00A000000002"],
      ].map(([model = "", serial = ""]) => Scene.start({ cloud, hub, model, serial })),
    );
    for (const { proxy } of scenes) proxy.refuse();
    await Promise.all(scenes.map((scene) => scene.on("cloud")));
    assert.equal(cloud.mqtt.clients.length, 1);
    assert.equal(cloud.mqtt.connects, 1);
    scenes[0]!.proxy.restore();
    await scenes[0]!.on("lan");
    await until("it is given up", () => cloud.mqtt.subscribers("01P00A000000001") === 0);
    assert.equal(cloud.mqtt.subscribers("00M00A000000002"), 1);
    scenes[1]!.proxy.restore();
    await scenes[1]!.on("lan");
    await until("the connection is closed", () => cloud.mqtt.clients.length === 0);
    assert.equal(cloud.mqtt.disconnectsClean, 1);
  });
});
