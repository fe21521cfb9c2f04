import { type AddressInfo, createServer, type Socket } from "node:net";

/** A connection as the stub sees it. */
export interface StubClient {
  readonly clientId: string;
  readonly username: string;
  readonly password: string;
  readonly cleanSession: boolean;
  readonly keepaliveSeconds: number;
  readonly protocolLevel: number;
  readonly topics: Set<string>;
  /** It said DISCONNECT. */
  goodbye: boolean;
  readonly socket: Socket;
}

/** A broker of a few lines, written from MQTT 3.1.1 alone, that answers exactly as the test says. */
export class StubBroker {
  port = 0;
  /** Every login that was tried, in order. */
  readonly logins: StubClient[] = [];
  readonly published: { topic: string; qos: number; payload: string }[] = [];
  readonly subscribed: { topic: string; qos: number }[] = [];
  readonly unsubscribed: string[] = [];
  /** CONNACK return code; null = no answer. */
  connack: (client: StubClient) => number | null = () => 0;
  /** SUBACK return code; null = no answer, "cut" = the connection ends. */
  suback: (topic: string) => number | "cut" | null = () => 0;
  private readonly server = createServer((socket) => {
    this.serve(socket);
  });
  private readonly sockets = new Set<Socket>();

  async listen(): Promise<this> {
    await new Promise<void>((resolve) => this.server.listen(this.port, "127.0.0.1", resolve));
    this.port = (this.server.address() as AddressInfo).port;
    return this;
  }

  /** Sockets that are open now. */
  get connections(): number {
    return this.sockets.size;
  }

  /** To whoever is subscribed to it. */
  publish(topic: string, payload: object): void {
    const name = Buffer.from(topic);
    const body = Buffer.concat([Buffer.from([0, name.length]), name, Buffer.from(JSON.stringify(payload))]);
    for (const { socket, topics } of this.logins) {
      if (topics.has(topic) && !socket.destroyed) socket.write(Buffer.concat([header(0x30, body.length), body]));
    }
  }

  cut(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private serve(socket: Socket): void {
    this.sockets.add(socket);
    socket.on("error", () => undefined).on("close", () => this.sockets.delete(socket));
    let rest = Buffer.alloc(0);
    let client: StubClient | null = null;
    socket.on("data", (bytes) => {
      rest = Buffer.concat([rest, bytes]);
      for (let packet = take(rest); packet !== null; packet = take(rest)) {
        rest = packet.rest;
        client = this.answer(socket, packet.first, packet.body, client);
      }
    });
  }

  private answer(socket: Socket, first: number, body: Buffer, client: StubClient | null): StubClient | null {
    const kind = first >> 4;
    if (kind === 1) {
      const login = readConnect(socket, body);
      this.logins.push(login);
      const code = this.connack(login);
      if (code !== null) socket.write(Buffer.from([0x20, 2, 0, code]));
      return login;
    }
    const topicAt = (offset: number) => body.toString("utf8", offset + 2, offset + 2 + body.readUInt16BE(offset));
    if (kind === 3) {
      const topic = topicAt(0);
      this.published.push({ topic, qos: (first >> 1) & 3, payload: body.toString("utf8", 2 + topic.length) });
    } else if (kind === 8) {
      const topic = topicAt(2);
      this.subscribed.push({ topic, qos: body[body.length - 1] ?? -1 });
      const code = this.suback(topic);
      if (code === "cut") socket.destroy();
      else if (code !== null) {
        if (code < 128) client?.topics.add(topic);
        socket.write(Buffer.from([0x90, 3, body[0] ?? 0, body[1] ?? 0, code]));
      }
    } else if (kind === 10) {
      const topic = topicAt(2);
      this.unsubscribed.push(topic);
      client?.topics.delete(topic);
      socket.write(Buffer.from([0xb0, 2, body[0] ?? 0, body[1] ?? 0]));
    } else if (kind === 12) socket.write(Buffer.from([0xd0, 0]));
    else if (kind === 14 && client !== null) client.goodbye = true;
    return client;
  }
}

function readConnect(socket: Socket, body: Buffer): StubClient {
  let at = 0;
  const text = () => {
    const length = body.readUInt16BE(at);
    at += 2 + length;
    return body.toString("utf8", at - length, at);
  };
  text();
  const [protocolLevel = 0, flags = 0] = body.subarray(at, at + 2);
  const keepaliveSeconds = body.readUInt16BE(at + 2);
  at += 4;
  const [clientId, username, password] = [text(), text(), text()];
  const cleanSession = (flags & 2) !== 0;
  const who = { clientId, username, password, cleanSession, keepaliveSeconds, protocolLevel };
  return { ...who, topics: new Set(), goodbye: false, socket };
}

/** The first whole packet of what has arrived. */
function take(bytes: Buffer): { first: number; body: Buffer; rest: Buffer<ArrayBuffer> } | null {
  let length = 0;
  for (let at = 1; at < bytes.length && at <= 4; at++) {
    const digit = bytes[at] ?? 0;
    length += (digit & 0x7f) * 128 ** (at - 1);
    if (digit >= 0x80) continue;
    const end = at + 1 + length;
    if (bytes.length < end) return null;
    return { first: bytes[0] ?? 0, body: bytes.subarray(at + 1, end), rest: Buffer.from(bytes.subarray(end)) };
  }
  return null;
}

function header(first: number, length: number): Buffer {
  const digits: number[] = [];
  for (let left = length; ; left = Math.floor(left / 128)) {
    digits.push(left >= 128 ? (left % 128) + 128 : left);
    if (left < 128) return Buffer.from([first, ...digits]);
  }
}
