import assert from "node:assert/strict";
import { createAccount } from "../../lib/bambu/cloud/account";
import { createSightings } from "../../lib/bambu/discovery";
import { Accounts } from "../../lib/node-red/accounts/accounts";
import { useHouse, useStore } from "../../lib/node-red/composition";
import { memoryKey } from "../../lib/node-red/installation-key";
import { linkFor } from "../../lib/node-red/links/links";
import { pinsIn } from "../../lib/node-red/links/pins";
import { Printers } from "../../lib/node-red/printers";
import { sessionsIn } from "../../lib/node-red/accounts/sessions";
import { fileNameOf, memoryStore } from "../../lib/node-red/store";
import { isPrinterMemory } from "../../lib/printer/memory-shape";
import { Printer } from "../../lib/printer/printer";
import { startVirtualCloud, type VirtualCloud } from "../../lib/simulator/cloud/virtual-cloud";
import { startVirtualPrinter, type VirtualPrinter } from "../../lib/simulator/printer/virtual-printer";
import firmwareCheck from "../../nodes/firmware-check";
import printerAccount from "../../nodes/printer-account";
import printerConfig from "../../nodes/printer-config";
import printerEvent from "../../nodes/printer-event";
import { ANNA } from "../support/cloud-account";
import { account, config, eventNode, firmwareNode, tab } from "../support/flows";
import { ask, type Flow, Inbox, load, nodeOf, startNodeRed, stopNodeRed, withRed } from "../support/helper";
import { freePort } from "../support/ports";
import { until } from "../support/wait";

const SERIALS = { P1S: "01P00A000000001", X1C: "00M00A000000001" };
const CODE = "12345678";
const SERIAL = SERIALS.P1S;
const VERSIONS = "/v1/iot-service/api/user/device/version";
const FORM = { region: "global", mqttUrl: "", tls: null, pastedToken: "" } as const;

/** From the printer's and the cloud's sockets to the message: nothing of ours is a fake. */
describe("firmware-check with a simulated printer and a simulated cloud", () => {
  let cloud: VirtualCloud;
  let store = memoryStore();
  let key = memoryKey();
  let accounts: Accounts | null = null;
  const printers: VirtualPrinter[] = [];
  const logged: string[] = [];
  const log = { warn: (message: string) => void logged.push(message) };

  /** As composition.ts builds it, over a store that outlives it. */
  const install = withRed((RED) => {
    const sessions = sessionsIn({ store, key, ...log });
    const make: ConstructorParameters<typeof Accounts>[0]["make"] = ({ region, apiUrl, mqttUrl, pastedToken }, kept) =>
      createAccount({ region, apiUrl, mqttUrl, pastedToken, store: kept, log: log.warn });
    const made = new Accounts({ make, sessions, log, restartMs: 50 });
    accounts = made;
    const around = { pins: pinsIn(store), sightings: createSightings(log), accounts: made };
    useStore(RED.events, store);
    useHouse(RED.events, {
      ...around,
      sessions,
      printers: new Printers(
        ({ id, name, staleAfterMs, ...settings }, said) =>
          new Printer({
            ...{ id, name, staleAfterMs, log: said },
            link: linkFor({ id, name, staleAfterMs, ...settings }, around),
            memory: store.document(`events/${fileNameOf(id)}`, isPrinterMemory),
          }),
      ),
    });
  });

  async function printer(model: keyof typeof SERIALS, offer?: object): Promise<VirtualPrinter> {
    const firmware = { installed: "01.08.02.00", ...(offer && { offer }) };
    const made = await startVirtualPrinter({ model, serial: SERIALS[model], accessCode: CODE, timeScale: 0, firmware });
    printers.push(made);
    return made;
  }

  const settings = () => ({ ...FORM, apiUrl: cloud.url, mqttUrl: cloud.mqttUrl });
  async function signIn(): Promise<void> {
    const visited = accounts?.visit("account1", settings()).account;
    await visited?.signIn({ kind: "password", account: ANNA.account, password: ANNA.password });
  }

  /** A Node-RED with this printer, reached in the network; signed in to the account before the first deploy. */
  async function start(
    { serial = SERIAL, port }: { serial?: string; port: number },
    difference: object = {},
    ...more: Flow
  ): Promise<void> {
    await startNodeRed();
    const way = { serial, port, host: "127.0.0.1", account: "account1" };
    const there = account({ apiUrl: cloud.url, mqttUrl: cloud.mqttUrl });
    const flow = [tab, there, config(way), ...firmwareNode(difference), ...more];
    await load([install, printerAccount, printerConfig, firmwareCheck, printerEvent], flow, {
      config1: { accessCode: CODE },
    });
  }
  async function stop(): Promise<void> {
    await stopNodeRed();
    await accounts?.close();
  }
  const answer = async (msg: object = {}): Promise<any> => {
    const { error, sent } = await ask("check1", msg);
    assert.equal(error, null);
    const [outputs = []] = sent as any[][];
    const { payload } = outputs.find((one) => one !== null);
    return { ...payload, output: outputs.findIndex((one) => one !== null) + 1 };
  };
  const asked = (): number => cloud.requests.filter(({ path }) => path === VERSIONS).length;
  /** A printer that nobody can reach: what is known of it the cloud knows. */
  const nowhere = async () => ({ port: await freePort() });

  beforeEach(async () => {
    store = memoryStore();
    key = memoryKey();
    cloud = await startVirtualCloud({ users: [{ ...ANNA, firmwareBetaOpen: true }] });
  });
  afterEach(async () => {
    await stop();
    await Promise.all(printers.splice(0).map((one) => one.close()));
    await cloud.close();
    assert.ok(!logged.join("\n").includes(ANNA.password));
  });

  it("does not ask the cloud while the printer says that there is nothing newer", async () => {
    const made = await printer("P1S");
    cloud.attach(made, { user: ANNA.account });
    await start(made);
    await signIn();
    const { output, source, installed, modules } = await answer();
    assert.deepEqual([output, source, installed], [2, "printer", "01.08.02.00"]);
    assert.ok(modules.some(({ name }: any) => name === "ams/0"));
    assert.equal(asked(), 0);
  });

  for (const model of ["P1S", "X1C"] as const) {
    it(`finds in a ${model} what it offers, and asks the cloud once for what is new in it`, async () => {
      const ams = [{ module: "ams/0", version: "00.00.06.99" }];
      const made = await printer(model, { version: "01.09.01.00", ams, notes: "- quieter fans", force: true });
      cloud.attach(made, { user: ANNA.account });
      await start(made, {}, ...eventNode({ events: ["firmware.available"] }));
      const told = new Inbox("told");
      await signIn();
      for (let i = 0; i < 3; i += 1) {
        const { output, source, latest, channel, forceUpdate, releaseNotes, modules } = await answer();
        assert.deepEqual(
          [output, source, latest, channel, forceUpdate],
          [1, "printer", "01.09.01.00", "release", true],
        );
        assert.equal(releaseNotes, "- quieter fans");
        assert.deepEqual(
          modules.filter((one: any) => one.updateAvailable).map(({ name }: any) => name),
          ["ota", "ams/0"],
        );
      }
      assert.equal(asked(), 1);
      const [event] = await told.next();
      assert.deepEqual(
        (event?.payload as any).value.map(({ name, latest }: any) => [name, latest]),
        [
          ["ota", "01.09.01.00"],
          ["ams/0", "00.00.06.99"],
        ],
      );
    });
  }

  it("follows an update from the offer over its progress to its end", async () => {
    const made = await printer("P1S", { version: "01.09.01.00" });
    await start(made, { emit: "change" });
    const inboxes = ["update", "current", "unknown"].map((id) => new Inbox(id));
    /** The next answer at this output; the printer's time goes on meanwhile. */
    const check = async (at: number, seconds = 0): Promise<any> => {
      const box = inboxes[at];
      assert.ok(box);
      await until("the answer comes", () => {
        nodeOf("check1").receive({});
        made.advance(seconds);
        return box.messages.length > 0;
      });
      return box.messages.splice(0)[0]?.payload;
    };
    assert.equal((await check(0)).latest, "01.09.01.00");
    made.startUpdate();
    made.advance(10);
    assert.match((await check(2)).reason, /being installed/);
    // Between its word of success and its restart a printer has nothing newer, and still runs the old one.
    const ends = [await check(1, 1)];
    while (ends.at(-1).installed === "01.08.02.00") ends.push(await check(1, 1));
    assert.ok(ends.length <= 2 && ends.at(-1).installed === "01.09.01.00");
    assert.deepEqual(inboxes[0]?.messages, []);
  });

  it("asks the cloud once about a printer that can not be reached, and anew only for force", async () => {
    cloud.addDevice({ serial: SERIAL, account: ANNA.account });
    cloud.setCatalogue(SERIAL, {
      version: "01.08.02.00",
      firmware: [{ version: "01.09.01.00", notes: "- new" }],
      ams: [],
    });
    await start(await nowhere());
    await signIn();
    const { output, source, latest, releaseNotes } = await answer();
    assert.deepEqual([output, source, latest, releaseNotes], [1, "cloud", "01.09.01.00", "- new"]);
    await answer();
    await answer({ force: true });
    assert.equal(asked(), 1, "a minute has not passed");
  });

  it("knows the account's wish for beta versions after a restart, with a cloud that does not say it", async () => {
    cloud.addDevice({ serial: SERIAL, account: ANNA.account });
    const firmware = [{ version: "01.08.02.00" }, { version: "01.10.00.00", status: "beta" as const }];
    cloud.setCatalogue(SERIAL, { version: "01.08.02.00", firmware, ams: [] });
    const at = await nowhere();
    await start(at);
    await signIn();
    const first = await answer();
    assert.deepEqual([first.output, first.latest, first.channel, first.betaOptIn], [1, "01.10.00.00", "beta", true]);
    await stop();
    cloud.fault({ kind: "status", status: 500 }, { path: /profile|preference/ });
    await start(at);
    const second = await answer();
    assert.deepEqual([second.output, second.latest, second.betaOptIn], [1, "01.10.00.00", true]);
    await stop();
    await start(at, { channel: "release" });
    const third = await answer();
    assert.deepEqual([third.output, third.latest, third.betaOptIn], [2, "01.08.02.00", true]);
  });

  it("does not know while the catalogue is down, and knows when it is back", async () => {
    cloud.addDevice({ serial: SERIAL, account: ANNA.account });
    await start(await nowhere());
    await signIn();
    const lift = cloud.fault({ kind: "status", status: 500 }, { path: /version$/ });
    const down = await answer();
    assert.deepEqual([down.output, down.updateAvailable, down.source], [3, null, null]);
    assert.match(down.reason, /can not be heard.*could not be asked/);
    lift();
    const back = await answer();
    assert.deepEqual([back.output, back.source, back.reason], [2, "cloud", null]);
  });

  it("does not know with a token that is over, and knows after signing in again", async () => {
    cloud.addDevice({ serial: SERIAL, account: ANNA.account });
    await start(await nowhere());
    await signIn();
    cloud.expireTokens();
    const { output, reason } = await answer();
    assert.equal(output, 3);
    assert.match(reason, /sign in/i);
    await signIn();
    assert.equal((await answer()).output, 2);
  });

  it("knows nothing of a printer that belongs to somebody else", async () => {
    await start(await nowhere());
    await signIn();
    const { output, reason } = await answer();
    assert.equal(output, 3);
    assert.match(reason, /does not list this printer|could not be asked/);
  });
});
