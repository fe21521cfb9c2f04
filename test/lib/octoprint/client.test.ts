import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { baseOf, OctoprintClient } from "../../../lib/octoprint/client";
import { type Connections, connectionsTo, type Trust } from "../../../lib/octoprint/trust";
import {
  startVirtualOctoprint,
  type VirtualOctoprint,
  type VirtualOctoprintOptions,
} from "../../../lib/simulator/octoprint/virtual-octoprint";

const KEY = "SECRET-KEY-0123456789";

describe("OctoPrint's REST API", () => {
  const cleanUp: (() => unknown)[] = [];
  afterEach(async () => {
    for (const step of cleanUp.splice(0).reverse()) await step();
  });

  async function clientFor(
    url: string,
    trust: Trust = { mode: "insecure" },
  ): Promise<OctoprintClient & { connections: Connections }> {
    const base = baseOf(url);
    const connections = await connectionsTo(base, trust);
    cleanUp.push(() => {
      connections.close();
    });
    return new OctoprintClient(base, connections);
  }

  async function virtual(options: VirtualOctoprintOptions = {}): Promise<VirtualOctoprint> {
    const server = await startVirtualOctoprint({ apiKey: KEY, timeScale: 0, ...options });
    cleanUp.push(() => server.close());
    return server;
  }

  /** A server that answers as the test says. */
  async function served(handler: RequestListener): Promise<string> {
    const server: Server = createServer(handler);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    cleanUp.push(() => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    });
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  const version = (client: OctoprintClient, key = KEY) => client.ask({ path: "api/version", key });

  it("is asked below a prefix, with the key in a header and nowhere else", async () => {
    const seen: [string, string | undefined][] = [];
    const url = await served((request, response) => {
      seen.push([request.url ?? "", request.headers["x-api-key"] as string | undefined]);
      response.end("{}");
    });
    await version(await clientFor(`${url}/octo`));
    await version(await clientFor(`${url}/octo/`));
    await (await clientFor(url)).ask({ path: "api/version", key: null });
    assert.deepEqual(seen, [
      ["/octo/api/version", KEY],
      ["/octo/api/version", KEY],
      ["/api/version", undefined],
    ]);
  });

  it("is no address where there is none", () => {
    for (const url of ["", "octopi.local", "ftp://octopi.local", "http://", "http://user:pass@octopi.local"])
      assert.throws(
        () => baseOf(url),
        (error: Error) => "code" in error && error.code === "config-invalid" && !/pass@/.test(error.message),
      );
  });

  it("refuses a wrong key, also in the words of CSRF", async () => {
    const client = await clientFor((await virtual()).url);
    await assert.rejects(version(client, "WRONG-KEY-123"), { code: "account-refused" });
    const changing = { method: "POST", path: "api/job", json: { command: "cancel" }, key: "WRONG-KEY-123" } as const;
    await assert.rejects(client.ask(changing), (error: Error) => {
      assert.ok("code" in error && error.code === "account-refused");
      assert.doesNotMatch(error.stack ?? "", /WRONG-KEY-123/);
      return true;
    });
    const old = await clientFor(await served((_request, response) => response.writeHead(401).end("Invalid API key")));
    await assert.rejects(version(old), { code: "account-refused" });
  });

  it("blames no key for the refusal of a question that has none", async () => {
    const client = await clientFor(await served((_request, response) => response.writeHead(403).end("Forbidden")));
    await assert.rejects(client.ask({ path: "plugin/appkeys/probe", key: null }), {
      code: "account-refused",
      message: /set-up/,
    });
  });

  const faults: [string, number, string, Record<string, string>, string, RegExp][] = [
    ["a page of a proxy", 200, "<!DOCTYPE html><html>sign in</html>", {}, "bad-answer", /web page/],
    ["something else", 200, "pong", {}, "bad-answer", /something else/],
    ["a list", 200, "[]", {}, "bad-answer", /something else/],
    ["nothing behind the proxy", 502, "<html>Bad Gateway</html>", {}, "unreachable", /does not run behind .* \(502\)/],
    ["an error of its own", 500, '{"error":"boom"}', {}, "bad-answer", /\(500: boom\)/],
    [
      "another address",
      302,
      "",
      { Location: "https://192.0.2.7/x?token=1" },
      "bad-answer",
      /on to https:\/\/192\.0\.2\.7\/x;/,
    ],
    ["too many requests", 429, "", {}, "blocked", /wait/],
    [
      "a password asked by a proxy",
      401,
      "<html>Authorization Required</html>",
      { "WWW-Authenticate": 'Basic realm="home"' },
      "account-refused",
      /in front of OctoPrint .* password of its own/,
    ],
    [
      "a call for HTTPS",
      400,
      "<html><center>The plain HTTP request was sent to HTTPS port</center></html>",
      {},
      "bad-answer",
      /begin the address with https:/,
    ],
    ["a file that is too large for a proxy", 413, "<html>", {}, "request-invalid", /no file of this size/],
    ["no such part", 404, "<html>", {}, "bad-answer", /prefix/],
    ["a request that it can not read", 400, '{"error":"No command"}', {}, "request-invalid", /No command/],
  ];
  for (const [what, status, body, headers, code, words] of faults) {
    it(`says what is wrong when the answer is ${what}`, async () => {
      const client = await clientFor(
        await served((_request, response) => response.writeHead(status, headers).end(body)),
      );
      await assert.rejects(version(client), (error: Error) => {
        assert.ok("code" in error);
        assert.equal(error.code, code);
        assert.match(error.message, words);
        assert.doesNotMatch(error.message, /token|<html/);
        return true;
      });
    });
  }

  it("does not repeat a key that a server repeats", async () => {
    const client = await clientFor(
      await served((request, response) =>
        response.writeHead(500).end(JSON.stringify({ error: `bad ${String(request.headers["x-api-key"])}` })),
      ),
    );
    await assert.rejects(
      version(client),
      (error: Error) => !error.message.includes(KEY) && error.message.includes("***"),
    );
  });

  it("takes no answer without end", async () => {
    const client = await clientFor(
      await served((_request, response) => {
        response.write("x".repeat(5_000_000));
        response.end();
      }),
    );
    await assert.rejects(version(client), { code: "bad-answer" });
  });

  it("is unreachable where nobody listens, and late where nobody answers", async () => {
    const closed = await served(() => undefined);
    await cleanUp.pop()?.();
    await assert.rejects(version(await clientFor(closed)), { code: "unreachable", message: /ECONNREFUSED/ });
    const client = await clientFor(await served(() => undefined));
    await assert.rejects(client.ask({ path: "api/version", key: KEY, timeoutMs: 50 }), { code: "timeout" });
  });

  it("is given up when nobody waits any more", async () => {
    const client = await clientFor(await served(() => undefined));
    const abort = new AbortController();
    const asked = client.ask({ path: "api/version", key: KEY, signal: abort.signal });
    abort.abort();
    await assert.rejects(asked, { code: "link-lost" });
  });

  describe("behind https", () => {
    const pin = (fingerprint: string | null, learnt: string[] = []): Trust => ({
      mode: "pin",
      fingerprint,
      learn: (one) => {
        learnt.push(one);
        return Promise.resolve();
      },
    });

    it("is believed at first, remembered when it has proved to be OctoPrint, and recognised", async () => {
      const server = await virtual({ tls: true });
      const learnt: string[] = [];
      const client = await clientFor(server.url, pin(null, learnt));
      await version(client);
      assert.deepEqual(learnt, []);
      await client.connections.learn();
      assert.deepEqual(learnt, [server.fingerprint]);
      await version(await clientFor(server.url, pin(server.fingerprint.toLowerCase().replaceAll(":", ""))));
    });

    it("gets no key when it shows another certificate", async () => {
      const server = await virtual({ tls: true });
      const client = await clientFor(server.url, pin("00".repeat(32)));
      await assert.rejects(version(client), { code: "certificate-changed" });
      assert.equal(server.requests.length, 0);
    });

    it("is checked against the CA file, by name and authority", async () => {
      const server = await virtual({ tls: true });
      const folder = await mkdtemp(join(tmpdir(), "printgate-ca-"));
      cleanUp.push(() => rm(folder, { recursive: true }));
      const caFile = join(folder, "ca.pem");
      await writeFile(caFile, server.caPem);
      assert.equal((await version(await clientFor(server.url, { mode: "verify", caFile }))).status, 200);
      await assert.rejects(version(await clientFor(server.url, { mode: "verify", caFile: null })), {
        code: "certificate-untrusted",
      });
      assert.equal(server.requests.length, 1);
      await writeFile(caFile, "no certificate");
      await assert.rejects(version(await clientFor(server.url, { mode: "verify", caFile })), Error);
      const absent = { mode: "verify", caFile: join(folder, "absent.pem") } as const;
      await assert.rejects(clientFor(server.url, absent), { code: "config-invalid" });
    });

    it("is taken as it is where nothing is to be checked", async () => {
      const server = await virtual({ tls: true });
      assert.equal((await version(await clientFor(server.url))).status, 200);
    });

    it("is not there behind a port that speaks no TLS", async () => {
      const plain = await served(() => undefined);
      await assert.rejects(version(await clientFor(plain.replace("http:", "https:"))), { code: "unreachable" });
    });
  });
});
