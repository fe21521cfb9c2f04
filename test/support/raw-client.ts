/** A plain MQTT client that knows nothing of our own code: it sends what it is told and keeps what comes. */
import mqtt, { type IClientOptions, type MqttClient } from "mqtt";

export type Frame = Record<string, Record<string, any>>;

export interface Peer {
  readonly port: number;
  readonly serial: string;
}

export class RawClient {
  readonly frames: Frame[] = [];
  /** Payloads as they came. */
  readonly raw: Buffer[] = [];
  readonly qos: number[] = [];
  private readonly waiting: { matches: (frame: Frame) => boolean; resolve: (frame: Frame) => void }[] = [];
  private sequence = 20000;

  private constructor(
    readonly mqtt: MqttClient,
    private readonly serial: string,
  ) {
    mqtt.on("error", () => undefined);
    mqtt.on("message", (_topic, payload, packet) => {
      this.raw.push(payload);
      this.qos.push(packet.qos);
      let frame: Frame;
      try {
        frame = JSON.parse(payload.toString("utf8")) as Frame;
      } catch {
        return;
      }
      this.frames.push(frame);
      for (const wait of [...this.waiting]) {
        if (!wait.matches(frame)) continue;
        this.waiting.splice(this.waiting.indexOf(wait), 1);
        wait.resolve(frame);
      }
    });
  }

  /** Connects and subscribes; rejects with the broker's refusal (`code` = CONNACK return code) or when the link ends. */
  static async open(
    peer: Peer,
    password: string,
    options: IClientOptions & { readonly topic?: string } = {},
  ): Promise<RawClient> {
    const { topic = `device/${peer.serial}/report`, ...rest } = options;
    const client = mqtt.connect({
      protocol: "mqtts",
      host: "127.0.0.1",
      port: peer.port,
      username: "bblp",
      password,
      protocolVersion: 4,
      rejectUnauthorized: false,
      reconnectPeriod: 0,
      ...rest,
    });
    const raw = new RawClient(client, peer.serial);
    await new Promise<void>((resolve, reject) => {
      client.once("connect", () => {
        resolve();
      });
      client.once("error", reject);
      client.once("close", () => {
        reject(new Error("the link ended"));
      });
    });
    if (topic !== "") await client.subscribeAsync(topic);
    return raw;
  }

  /** The first frame, among those not looked at yet, that passes. */
  wait(matches: (frame: Frame) => boolean): Promise<Frame> {
    return new Promise((resolve) => {
      this.waiting.push({ matches, resolve });
    });
  }

  /** Waits for the reply to the command with that sequence id. */
  reply(section: string, sequenceId: string): Promise<Record<string, any>> {
    return this.wait((frame) => frame[section]?.["sequence_id"] === sequenceId).then((frame) => frame[section]!);
  }

  /** Publishes anything to the request topic, or to another one. */
  async sendRaw(payload: string | Buffer, topic = `device/${this.serial}/request`): Promise<void> {
    await this.mqtt.publishAsync(topic, payload);
  }

  /** Sends a command without waiting for its reply; returns its sequence id. */
  async send(section: string, command: string, body: Record<string, unknown> = {}): Promise<string> {
    const id = String(this.sequence++);
    await this.sendRaw(JSON.stringify({ [section]: { sequence_id: id, command, ...body } }));
    return id;
  }

  /** Sends a command and waits for its reply. */
  async ask(section: string, command: string, body: Record<string, unknown> = {}): Promise<Record<string, any>> {
    const reply = this.reply(section, String(this.sequence));
    await this.send(section, command, body);
    return reply;
  }

  /** Asks for the whole state; `print` of the answer. */
  async pushAll(): Promise<Record<string, any>> {
    const whole = this.wait((frame) => frame["print"]?.["command"] === "push_status" && frame["print"]["msg"] !== 1);
    await this.send("pushing", "pushall", { version: 1, push_target: 1 });
    return (await whole)["print"]!;
  }

  /** Waits until everything that was published before has arrived, using a reply as a marker. */
  async settle(): Promise<void> {
    await this.ask("info", "get_version");
  }

  /** The `print` sections that came, replies excluded. */
  get reports(): Record<string, any>[] {
    return this.frames.flatMap(({ print }) => (print?.["command"] === "push_status" ? [print] : []));
  }

  closed(): Promise<void> {
    return new Promise((resolve) => {
      if (!this.mqtt.connected) resolve();
      else
        this.mqtt.once("close", () => {
          resolve();
        });
    });
  }

  async close(): Promise<void> {
    await this.mqtt.endAsync(true);
  }

  /** Says goodbye first. */
  async leave(): Promise<void> {
    await this.mqtt.endAsync(false);
  }
}
