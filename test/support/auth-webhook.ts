import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from "node:http";
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from "node:net";

/** A local server with its address, closed with every connection. */
export interface LocalServer {
  readonly url: string;
  close(): Promise<void>;
}

async function listen(server: Server): Promise<LocalServer> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined).on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/** An HTTP server with one handler. */
export const serveHttp = (handler: (req: IncomingMessage, res: ServerResponse) => void): Promise<LocalServer> =>
  listen(createHttpServer(handler));

/** What a client sent in one request, to the byte. */
export interface RawRequest {
  readonly line: string;
  /** Header lines in order, as they were spelled. */
  readonly headers: readonly string[];
  readonly body: Buffer;
}

/**
 * A server below HTTP: hands over each request as bytes, and what `answer` does to the socket is
 * all that comes back. `connections` counts the sockets that were opened.
 */
export async function serveRaw(
  answer: (socket: Socket, request: RawRequest) => void,
): Promise<LocalServer & { readonly requests: RawRequest[]; connections(): number }> {
  const requests: RawRequest[] = [];
  let connections = 0;
  const server = createTcpServer((socket) => {
    connections++;
    let received = Buffer.alloc(0);
    socket.on("data", (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      const border = received.indexOf("\r\n\r\n");
      if (border < 0) return;
      const [line = "", ...headers] = received.subarray(0, border).toString("latin1").split("\r\n");
      const length = Number(/^content-length: (\d+)$/im.exec(headers.join("\n"))?.[1] ?? 0);
      const body = received.subarray(border + 4, border + 4 + length);
      if (body.length < length) return;
      received = received.subarray(border + 4 + length);
      const request = { line, headers, body: Buffer.from(body) };
      requests.push(request);
      answer(socket, request);
    });
  });
  return { ...(await listen(server)), requests, connections: () => connections };
}

/** An HTTP/1.1 answer as bytes. */
export const rawAnswer = (status: number, body: string | Buffer, headers: readonly string[] = []): Buffer =>
  Buffer.concat([
    Buffer.from(
      [`HTTP/1.1 ${status} Whatever`, ...headers, `Content-Length: ${Buffer.byteLength(body)}`, "", ""].join("\r\n"),
    ),
    Buffer.from(body),
  ]);

async function bodyOf(req: IncomingMessage): Promise<string> {
  let body = "";
  for await (const chunk of req) body += String(chunk);
  return body;
}

/**
 * What BifroMQ's documentation shows as the smallest webhook, by behaviour: users register with
 * headers, sign in with the base64 of their password, and every registered user may do anything.
 * Its refusal of a login is status 403 with a body that is no auth result.
 */
export function serveSampleWebhook(): Promise<LocalServer> {
  const users = new Map<string, { tenantId: string; password: string }>();
  const header = (req: IncomingMessage, name: string): string => String(req.headers[name] ?? "");
  const routes: Record<string, (req: IncomingMessage) => Promise<[status: number, type: string, body: string]>> = {
    async "/auth"(req) {
      const data = JSON.parse(await bodyOf(req)) as { username?: string; password?: string };
      if (!data.username || !data.password) return [400, "text/plain", "user name and password are needed"];
      const user = users.get(data.username);
      return user?.password === data.password
        ? [200, "application/json", JSON.stringify({ ok: { tenantId: user.tenantId, userId: data.username } })]
        : [403, "application/json", '{"reject":"NotAuthorized"}'];
    },
    async "/check"(req) {
      await bodyOf(req);
      const [tenantId, userId] = [header(req, "tenant_id"), header(req, "user_id")];
      if (!tenantId || !userId) return [400, "text/plain", "tenant_id and user_id are needed"];
      return [200, "text/plain", String(users.has(userId))];
    },
    "/register"(req) {
      const [tenantId, userId, password] = ["tenant_id", "user_id", "password"].map((name) => header(req, name));
      if (!tenantId || !userId || !password) return Promise.resolve([400, "text/plain", "a header is missing"]);
      if (users.has(userId)) return Promise.resolve([400, "application/json", "taken"]);
      users.set(userId, { tenantId, password: Buffer.from(password).toString("base64") });
      return Promise.resolve([200, "text/plain", "registered"]);
    },
  };
  return serveHttp((req, res) => {
    const route = routes[req.url ?? ""];
    const answered = route?.(req) ?? Promise.resolve<[number, string, string]>([404, "text/plain", "nothing here"]);
    answered.then(
      ([status, type, body]) => res.writeHead(status, { "Content-Type": type }).end(body),
      () => res.writeHead(400).end("not JSON"),
    );
  });
}
