import assert from "node:assert/strict";
import { mock } from "node:test";
import { PrintgateError } from "../../../../lib/errors";
import { brokerAt } from "../../../../lib/bambu/cloud/places";
import { type CloudHub, cloudHub, type HubMember, type Seat } from "../../../../lib/bambu/cloud/hub";
import type { CloudAccess } from "../../../../lib/bambu/cloud/types";
import type { LinkState } from "../../../../lib/printer/link";
import { StubBroker } from "../../../support/stub-broker";
import { ownTime, until } from "../../../support/wait";

const SERIALS = ["01P00A000000001", "00M00A000000002", "03900A000000003"] as const;
const TOKEN = "t0ken-of-nobody";

/** Who is signed in, as a test says it. */
class Access implements CloudAccess {
  url = "";
  token = TOKEN;
  trouble: PrintgateError | null = null;
  refusals = 0;
  readonly listeners = new Set<() => void>();

  credentials(): Promise<{ username: string; password: string }> {
    if (this.trouble !== null) return Promise.reject(this.trouble);
    return Promise.resolve({ username: "u_4711", password: this.token });
  }
  changed(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }
  refused(): void {
    this.refusals += 1;
  }
  tell(): void {
    for (const listener of [...this.listeners]) listener();
  }
}

/** A printer that writes down what the hub tells it. */
class Member implements HubMember {
  readonly states: LinkState[] = [];
  readonly messages: string[] = [];
  joins = 0;
  readonly seat: Seat;

  constructor(
    hub: CloudHub,
    readonly serial: string,
  ) {
    this.seat = hub.join(this);
    assert.equal(this.states.length + this.joins, 0, "nothing is told in the same turn");
  }
  state(state: LinkState): void {
    this.states.push(state);
  }
  joined(): void {
    this.joins += 1;
  }
  message(bytes: Buffer): void {
    this.messages.push(bytes.toString());
  }
  get now(): string {
    return this.states.at(-1)?.kind ?? "nothing";
  }
  get reason(): string {
    const state = this.states.findLast((one) => "reason" in one);
    return state !== undefined && "reason" in state ? state.reason.message : "";
  }
}

describe("the connection that all printers of an account share", () => {
  let broker: StubBroker;
  let access: Access;
  let members: Member[];

  beforeEach(async () => {
    broker = await new StubBroker().listen();
    access = new Access();
    access.url = `mqtt://127.0.0.1:${broker.port}`;
    members = [];
  });
  afterEach(async () => {
    await Promise.all(members.map(({ seat }) => seat.leave()));
    await broker.close();
  });

  const aHub = () => cloudHub(access, { backoff: () => 20 });
  function join(hub: CloudHub, serial: string = SERIALS[0]): Member {
    const member = new Member(hub, serial);
    members.push(member);
    return member;
  }
  const topicOf = (serial: string) => `device/${serial}/report`;

  it("is one, with user u_<uid>, the token, MQTT 3.1.1, a clean session and a name of its own", async () => {
    const hub = aHub();
    const all = SERIALS.map((serial) => join(hub, serial));
    await until("all are in", () => all.every(({ joins }) => joins === 1));
    assert.equal(broker.logins.length, 1);
    const [login] = broker.logins;
    assert.deepEqual([login?.username, login?.password], ["u_4711", TOKEN]);
    assert.match(login?.clientId ?? "", /^printgate-[0-9a-f]{12}$/);
    assert.deepEqual([login?.protocolLevel, login?.cleanSession], [4, true]);
    assert.ok(login!.keepaliveSeconds >= 30 && login!.keepaliveSeconds <= 60);
    assert.deepEqual(
      broker.subscribed,
      SERIALS.map((serial) => ({ topic: topicOf(serial), qos: 0 })),
    );
  });

  it("gives each printer its own reports, and carries its requests at QoS 0", async () => {
    const hub = aHub();
    const [one, two] = [join(hub, SERIALS[0]), join(hub, SERIALS[1])];
    await until("both are in", () => one.joins + two.joins === 2);
    broker.publish(topicOf(SERIALS[1]), { print: {} });
    await until("the report", () => two.messages.length === 1);
    assert.deepEqual([one.messages, two.messages], [[], ['{"print":{}}']]);
    assert.equal(one.seat.publish('{"pushing":{}}'), true);
    await until("the request", () => broker.published.length === 1);
    assert.deepEqual(broker.published[0], {
      topic: `device/${SERIALS[0]}/request`,
      qos: 0,
      payload: '{"pushing":{}}',
    });
  });

  it("takes up who comes later, and gives up the topic of who leaves", async () => {
    const hub = aHub();
    const one = join(hub);
    await until("the first is in", () => one.joins === 1);
    const two = join(hub, SERIALS[1]);
    await until("the second is in", () => two.joins === 1);
    await two.seat.leave();
    await until("its topic is given up", () => broker.unsubscribed.length === 1);
    assert.deepEqual(broker.unsubscribed, [topicOf(SERIALS[1])]);
    assert.equal(two.seat.publish("{}"), false);
    const again = join(hub, SERIALS[1]);
    await until("it is in again", () => again.joins === 1);
    assert.equal(broker.logins.length, 1);
    assert.equal(two.joins, 1);
  });

  it("two of the same printer share a subscription until the last leaves", async () => {
    const hub = aHub();
    const [one, two] = [join(hub), join(hub)];
    await until("both are in", () => one.joins + two.joins === 2);
    const three = join(hub);
    await until("the third is in", () => three.joins === 1);
    assert.equal(broker.subscribed.length, 1);
    await one.seat.leave();
    await two.seat.leave();
    broker.publish(topicOf(SERIALS[0]), { print: {} });
    await until("the report", () => three.messages.length === 1);
    assert.deepEqual([broker.unsubscribed, one.messages, two.messages], [[], [], []]);
  });

  it("says goodbye when the last has left, and begins anew under the same name when somebody comes", async () => {
    const hub = aHub();
    const one = join(hub);
    await until("it is in", () => one.joins === 1);
    const leaving = one.seat.leave();
    const two = join(hub);
    await leaving;
    await until("the next is in", () => two.joins === 1);
    assert.equal(broker.logins[0]?.goodbye, true);
    assert.equal(broker.logins.length, 2);
    assert.equal(broker.logins[0].clientId, broker.logins[1]?.clientId);
    assert.equal(one.joins, 1);
  });

  it("comes back by itself after it was cut, and every printer joins anew once", async () => {
    const hub = aHub();
    const all = SERIALS.map((serial) => join(hub, serial));
    for (let round = 1; round <= 5; round++) {
      await until("all are in", () => all.every(({ joins }) => joins === round));
      broker.cut();
      await until("they hear of it", () => all.every(({ now }) => now !== "live" && now !== "nothing"));
    }
    await until("all are back", () => all.every(({ joins }) => joins === 6));
    assert.equal(broker.connections, 1);
    broker.publish(topicOf(SERIALS[0]), { print: {} });
    await until("the report", () => all[0]!.messages.length > 0);
    assert.equal(all[0]!.messages.length, 1);
  });

  it("waits longer and longer for a broker that can not be reached", async () => {
    await broker.close();
    const waits: number[] = [];
    const hub = cloudHub(access, {
      backoff: (failures) => {
        waits.push(failures);
        return 5;
      },
    });
    const one = join(hub);
    await until("some attempts", () => waits.length >= 4);
    assert.deepEqual(waits.slice(0, 4), [1, 2, 3, 4]);
    assert.match(one.reason, /nothing answers there/);
    const troubles = one.states.flatMap((state) => (state.kind === "connecting" ? [state.after?.code ?? null] : []));
    assert.deepEqual(troubles.slice(0, 3), [null, "unreachable", "unreachable"]);
    await one.seat.leave();
    await broker.listen();
  });

  for (const code of [4, 5]) {
    it(`stops when the broker refuses the token (CONNACK ${code}), says so to the account, and waits for a sign-in`, async () => {
      broker.connack = ({ password }) => (password === TOKEN ? code : 0);
      const hub = aHub();
      const one = join(hub);
      await until("it stops", () => one.now === "stopped");
      assert.match(one.reason, /sign in again/);
      assert.deepEqual([access.refusals, broker.logins.length], [1, 1]);
      const late = join(hub, SERIALS[1]);
      await until("who comes later hears it too", () => late.now === "stopped");
      access.token = "a-new-token";
      access.tell();
      await until("both are in", () => one.joins + late.joins === 2);
      assert.equal(broker.logins.length, 2);
      assert.ok(!JSON.stringify([one.states, late.states]).includes(TOKEN));
    });
  }

  it("an account that answers a refusal with the same token is no endless loop", async () => {
    broker.connack = () => 5;
    access.refused = () => {
      access.refusals += 1;
      access.tell();
    };
    const waits: number[] = [];
    const hub = cloudHub(access, { backoff: (failures) => (waits.push(failures), failures < 4 ? 1 : 60_000) });
    const one = join(hub);
    await until("it slows down", () => waits.includes(4));
    assert.deepEqual(waits, [1, 2, 3, 4]);
    assert.equal(broker.logins.length, 4);
    await one.seat.leave();
  });

  it("without a sign-in it stops without a connection, until there is one", async () => {
    access.trouble = new PrintgateError("signed-out", "nobody is signed in");
    const one = join(aHub());
    await until("it stops", () => one.now === "stopped");
    assert.deepEqual([one.reason, access.refusals, broker.logins.length], ["nobody is signed in", 0, 0]);
    access.trouble = null;
    access.tell();
    await until("it is in", () => one.joins === 1);
    access.trouble = new PrintgateError("signed-out", "nobody is signed in");
    access.tell();
    await until("it stops again", () => one.now === "stopped");
    await until("the connection is closed", () => broker.connections === 0);
    assert.equal(broker.logins[0]?.goodbye, true);
  });

  it("a printer that the broker does not let us hear (SUBACK 128) keeps none of the others from being heard", async () => {
    broker.suback = (topic) => (topic === topicOf(SERIALS[1]) ? 128 : 0);
    const hub = aHub();
    const all = SERIALS.map((serial) => join(hub, serial));
    await until("the others are in", () => all[0]!.joins + all[2]!.joins === 2);
    await until("it waits", () => all[1]!.now === "waiting");
    assert.match(all[1]!.reason, new RegExp(`does not let this account hear ${SERIALS[1]}`));
    assert.equal(broker.logins.length, 1);
    broker.suback = () => 0;
    access.tell();
    await until("a sign-in lets it in", () => all.every(({ joins }) => joins > 0));
  });

  it("a printer whose topic makes the broker hang up is found out, and the others are heard", async () => {
    broker.suback = (topic) => (topic === topicOf(SERIALS[1]) ? "cut" : 0);
    const hub = aHub();
    const all = SERIALS.map((serial) => join(hub, serial));
    await until("it is found out", () => /does not let this account hear/.test(all[1]!.reason));
    await until("the others are in to stay", () => all[0]!.seat.publish("{}") && all[2]!.seat.publish("{}"));
    const { length } = broker.logins;
    assert.ok(length <= 4, String(length));
    assert.equal(all[1]!.now, "waiting");
  });

  it("a broker that lets us in and answers nothing more is left for now", async () => {
    broker.suback = () => null;
    mock.timers.enable({ apis: ["setTimeout", "Date"] });
    try {
      const one = join(aHub());
      const tick = async (ms: number) => {
        mock.timers.tick(ms);
        await new Promise((resolve) => setImmediate(resolve));
      };
      for (let i = 0; i < 1000 && broker.subscribed.length === 0; i++) await tick(0);
      await tick(10_000);
      assert.equal(one.now, "waiting");
      assert.match(one.reason, /let us in, but does not answer/);
    } finally {
      mock.timers.reset();
    }
  });

  it("closes in every state, says nothing afterwards, and leaves no socket", async () => {
    const states: (() => Promise<Member>)[] = [
      () => Promise.resolve(join(aHub())),
      async () => {
        const member = join(aHub());
        await until("it connects", () => member.now === "connecting");
        return member;
      },
      async () => {
        broker.connack = () => null;
        const member = join(aHub());
        const { length } = broker.logins;
        await until("it logs in", () => broker.logins.length > length);
        return member;
      },
      async () => {
        broker.connack = () => 0;
        broker.suback = () => null;
        const member = join(aHub());
        const { length } = broker.subscribed;
        await until("it subscribes", () => broker.subscribed.length > length);
        return member;
      },
      async () => {
        broker.suback = () => 0;
        const member = join(aHub());
        await until("it is in", () => member.joins === 1);
        return member;
      },
      async () => {
        broker.connack = () => 5;
        const member = join(aHub());
        await until("it stops", () => member.now === "stopped");
        return member;
      },
    ];
    for (const reach of states) {
      const member = await reach();
      const leaving = async () => {
        await member.seat.leave();
        await member.seat.leave();
      };
      assert.ok((await ownTime(leaving)) < 2000);
      const said = member.states.length;
      await until("the broker is alone", () => broker.connections === 0);
      assert.equal(member.states.length, said);
    }
    assert.equal(access.listeners.size, 0);
  });

  it("reads addresses of brokers, and refuses what is none", () => {
    assert.deepEqual(brokerAt("mqtts://mqtt.example.org"), { secure: true, host: "mqtt.example.org", port: 8883 });
    assert.deepEqual(brokerAt("mqtts://[::1]:9883"), { secure: true, host: "::1", port: 9883 });
    assert.deepEqual(brokerAt("mqtt://192.0.2.7"), { secure: false, host: "192.0.2.7", port: 1883 });
    for (const url of ["", "mqtt.example.org", "https://example.org", "mqtts://", "mqtts://:8883"])
      assert.throws(() => brokerAt(url), /must begin with mqtts/, url);
  });

  it("an address that is none stops with a sentence", async () => {
    access.url = "https://example.org";
    const one = join(aHub());
    await until("it stops", () => one.now === "stopped");
    assert.match(one.reason, /must begin with mqtts/);
  });
});
