import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { PrintgateError } from "../../../lib/errors";
import type { PrinterUser, Seat } from "../../../lib/node-red/printers";
import { readSettings } from "../../../lib/node-red/settings";
import { FakeHouse, observation, SERIAL } from "../../support/flows";
import { settle, until } from "../../support/helper";

const settings = (difference: object = {}) =>
  readSettings(
    { connection: "lan", serial: SERIAL, host: "192.0.2.10", ...difference },
    { accessCode: "12345678" },
    "n",
  );

describe("shared printers", () => {
  let house: FakeHouse;
  let events: EventEmitter;
  let warnings: string[];
  let seats: Seat[];
  const claim = (nodeId: string, difference: object = {}): Seat => {
    const seat = house.printers.claim(nodeId, settings(difference), { warn: (message) => warnings.push(message) });
    seats.push(seat);
    return seat;
  };
  const user = (difference: Partial<PrinterUser> = {}): PrinterUser => ({
    ready: () => undefined,
    unusable: () => undefined,
    ...difference,
  });

  beforeEach(() => {
    house = new FakeHouse({ restartMs: 50 });
    seats = [];
    events = new EventEmitter();
    warnings = [];
    house.printers.follow(events);
  });

  afterEach(() => Promise.all(seats.map((seat) => seat.release())));

  it("wait for the flows to have started before they connect", async () => {
    events.emit("flows:starting");
    claim("a").use(user());
    await settle();
    assert.equal(house.links.length, 0);
    events.emit("flows:started");
    await house.opened();
  });

  it("connect also when a node comes outside a deploy", async () => {
    claim("a").use(user());
    await house.opened();
  });

  it("close when the last user leaves outside a deploy", async () => {
    const leave = claim("a").use(user());
    const link = await house.opened();
    leave();
    await until(() => !link.isOpen);
  });

  it("resolve the release of the last seat when the connection is closed", async () => {
    const seat = claim("a");
    seat.use(user());
    const link = await house.opened();
    await seat.release();
    assert.equal(link.isOpen, false);
  });

  it("call the same printer again only after its earlier connection said goodbye", async () => {
    const seat = claim("a");
    seat.use(user());
    const link = await house.opened();
    const close = link.close.bind(link);
    let sayGoodbye: () => void = () => undefined;
    link.close = () => new Promise<void>((resolve) => (sayGoodbye = resolve)).then(close);
    const released = seat.release();
    claim("a").use(user());
    await until(() => house.links.length === 2);
    await settle();
    assert.equal(house.link.opens, 0);
    sayGoodbye();
    await released;
    await until(() => house.link.opens === 1);
  });

  it("go on for the other users when one of them throws", async () => {
    const heard: string[] = [];
    const seat = claim("a");
    seat.use(
      user({
        status: () => {
          throw new Error("a broken user");
        },
      }),
    );
    seat.use(user({ status: ({ state }) => heard.push(state) }));
    const link = await house.opened();
    link.state({ kind: "live" });
    link.report(observation());
    assert.deepEqual(heard, ["idle"]);
    assert.deepEqual(warnings, ["a broken user"]);
  });

  it("say a conflict once in the log, however often flows are deployed", async () => {
    claim("a").use(user());
    const seat = claim("b", { host: "192.0.2.99" });
    const problems: PrintgateError[] = [];
    seat.use(user({ unusable: (problem) => problems.push(problem) }));
    await house.opened();
    for (let deploy = 0; deploy < 3; deploy += 1) events.emit("flows:started");
    assert.equal(warnings.length, 1);
    assert.equal(problems[0]?.code, "config-conflict");
  });

  it("share a connection whatever the name and the patience of the second configuration are", async () => {
    claim("a").use(user());
    const seat = claim("b", { name: "another name", staleAfter: 5 });
    seat.use(user());
    await house.opened();
    assert.equal(seat.problem, null);
    assert.equal(house.links.length, 1);
  });

  it("do not hold up what was left running when flows stop and never start again", async () => {
    events.emit("flows:stopping");
    events.emit("flows:stopped");
    claim("a").use(user());
    await settle();
    assert.equal(house.links.length, 0);
    await house.opened();
  });

  it("do not connect to a printer whose user left before the flows had started", async () => {
    events.emit("flows:starting");
    claim("a").use(user())();
    events.emit("flows:started");
    await settle();
    assert.equal(house.links.length, 0);
  });

  it("can be told to connect anew, and know nothing of strangers", async () => {
    claim("a").use(user());
    const first = await house.opened();
    await house.printers.restart(SERIAL);
    await house.opened(2);
    assert.equal(first.isOpen, false);
    await house.printers.restart("NOBODY");
    assert.equal(house.links.length, 2);
  });
});
