import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { inspect } from "node:util";
import { gzipSync } from "node:zlib";
import axios from "axios";
import { isPrintgateError } from "../../../../lib/errors";
import { placesOf } from "../../../../lib/bambu/cloud/places";
import { createTransport, type Transport, type TransportOptions } from "../../../../lib/bambu/cloud/transport";
import { startVirtualCloud } from "../../../../lib/simulator/cloud/virtual-cloud";
import { ANNA, accountBed, closeBeds, signInAnna } from "../../../support/cloud-account";

const TOKEN = "AQAtoken-that-nobody-may-see";

describe("the transport to the cloud", () => {
  const ends: (() => unknown)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
    await closeBeds();
  });

  async function serve(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
    const server = createServer(answer);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    ends.push(() => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    });
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }
  function transport(options: Partial<TransportOptions> = {}): Transport {
    const made = createTransport({ timeoutMs: 30_000, limitBytes: 100_000, ...options });
    ends.push(() => {
      made.close();
    });
    return made;
  }
  const request = (url: string) =>
    ({ method: "GET", url, headers: { Authorization: `Bearer ${TOKEN}`, Accept: "application/json" } }) as const;

  it("sends what it is given, an honest name, and nothing that looks like somebody else", async () => {
    const { account, cloud } = await accountBed();
    await signInAnna(account);
    await account.devices();
    for (const { headers, method } of cloud.requests) {
      assert.match(headers["user-agent"] ?? "", /^printgate/);
      assert.equal(headers["content-type"], method === "GET" ? undefined : "application/json");
      for (const name of Object.keys(headers)) assert.doesNotMatch(name, /^x-bbl-/);
      assert.doesNotMatch(JSON.stringify(headers), /slicer|studio|bambu_network/i);
    }
  });

  it("carries no token to another host that a redirect names", async () => {
    const visitors: string[] = [];
    const elsewhere = await serve((incoming, response) => {
      visitors.push(incoming.headers.authorization ?? "none");
      response.end("{}");
    });
    const here = await serve((_incoming, response) => {
      response.writeHead(307, { location: `${elsewhere}/steal` }).end();
    });
    assert.equal((await transport().send(request(here))).status, 307);
    assert.deepEqual(visitors, []);
  });

  it("uses no proxy that the environment names, and nothing that others hang into the shared client", async () => {
    const proxied: string[] = [];
    const proxy = await serve((incoming, response) => {
      proxied.push(incoming.url ?? "");
      response.end("proxied");
    });
    const here = await serve((_incoming, response) => void response.end("direct"));
    const names = ["http_proxy", "HTTP_PROXY", "all_proxy"];
    const before = names.map((name) => process.env[name]);
    for (const name of names) process.env[name] = proxy;
    const hook = axios.interceptors.request.use((config) => {
      proxied.push("interceptor");
      return config;
    });
    ends.push(() => {
      axios.interceptors.request.eject(hook);
      for (const [index, name] of names.entries()) {
        if (before[index] === undefined) Reflect.deleteProperty(process.env, name);
        else process.env[name] = before[index];
      }
    });
    assert.equal((await transport().send(request(here))).text, "direct");
    assert.deepEqual(proxied, []);
  });

  it("stops an answer that grows when it is unpacked", async () => {
    const bomb = gzipSync(Buffer.alloc(50_000_000));
    const here = await serve((_incoming, response) => {
      response.writeHead(200, { "content-encoding": "gzip" }).end(bomb);
    });
    await assert.rejects(transport().send(request(here)), (error) => isPrintgateError(error, "bad-answer"));
  });

  it("stops an answer that trickles for ever", async () => {
    const here = await serve((_incoming, response) => {
      response.writeHead(200);
      const timer = setInterval(() => response.write(" "), 10);
      response.on("close", () => {
        clearInterval(timer);
      });
    });
    await assert.rejects(transport({ timeoutMs: 150 }).send(request(here)), (error) =>
      isPrintgateError(error, "timeout"),
    );
  });

  it("stops at once when it is closed, and sends nothing afterwards", async () => {
    let arrived = 0;
    const here = await serve(() => (arrived += 1));
    const made = transport();
    const going = assert.rejects(made.send(request(here)), (error) => isPrintgateError(error, "signed-out"));
    while (arrived === 0) await new Promise((resolve) => setTimeout(resolve, 2));
    made.close();
    await going;
    await assert.rejects(made.send(request(here)), (error) => isPrintgateError(error, "signed-out"));
    assert.equal(arrived, 1);
  });

  it("has the token in no error, however deep one looks", async () => {
    const silent = await serve((incoming) => {
      incoming.socket.destroy();
    });
    const garbage = await serve((incoming) => {
      incoming.socket.end("HTTP/1.1 200 OK\r\nContent-Length: nonsense\r\n\r\n");
    });
    const tries = [silent, garbage, "http://127.0.0.1:1", "https://127.0.0.1:1", silent.replace("http", "https")];
    for (const url of tries) {
      await assert.rejects(transport().send(request(url)), (error) => {
        assert.ok(isPrintgateError(error), inspect(error));
        assert.ok(!inspect(error, { depth: 20, showHidden: true }).includes(TOKEN), url);
        return true;
      });
    }
  });

  it("trusts a private authority that it is given, and no other", async () => {
    const cloud = await startVirtualCloud({ users: [ANNA], tls: true });
    ends.push(() => cloud.close());
    const { again } = await accountBed();
    const apiUrl = cloud.url;
    await assert.rejects(signInAnna(again({ apiUrl })), (error) => {
      assert.ok(isPrintgateError(error, "certificate-untrusted"), String(error));
      return true;
    });
    const ca = cloud.caPem ?? "";
    const trusting = again({ apiUrl, tls: { ca } });
    assert.equal((await signInAnna(trusting)).next, "done");
    assert.equal(trusting.mqtt.tls, undefined, "it is for the address that was given by hand");
    const broker = again({ apiUrl, mqttUrl: "mqtts://127.0.0.1", tls: { ca } });
    assert.deepEqual(broker.mqtt.tls, { ca });
    assert.equal(broker.mqtt.url, "mqtts://127.0.0.1:8883");
    assert.deepEqual(again({ apiUrl: "", tls: { ca } }).mqtt.tls, { ca });
  });

  it("refuses TLS material that is none while the account is made", async () => {
    const { again } = await accountBed();
    assert.throws(
      () => again({ tls: { cert: "no certificate", key: "no key" } }),
      (error) => isPrintgateError(error, "config-invalid"),
    );
  });
});

describe("where the cloud is", () => {
  const given = (places: { apiUrl?: string; mqttUrl?: string; region?: "global" | "china" } = {}) =>
    placesOf({ region: "global", apiUrl: "", mqttUrl: "", ...places });

  it("depends on the region", () => {
    assert.deepEqual(given(), {
      api: "https://api.bambulab.com",
      web: "https://bambulab.com",
      mqtt: "mqtts://us.mqtt.bambulab.com:8883",
    });
    assert.deepEqual(given({ region: "china" }), {
      api: "https://api.bambulab.cn",
      web: "https://bambulab.cn",
      mqtt: "mqtts://cn.mqtt.bambulab.com:8883",
    });
  });

  it("may be given by hand", () => {
    const own = given({ apiUrl: " http://127.0.0.1:8080/cloud/ ", mqttUrl: "mqtt://[::1]" });
    assert.deepEqual(own, {
      api: "http://127.0.0.1:8080/cloud",
      web: "http://127.0.0.1:8080/cloud",
      mqtt: "mqtt://[::1]:1883",
    });
    assert.equal(given({ mqttUrl: "mqtts://broker.example.org:9000/" }).mqtt, "mqtts://broker.example.org:9000");
  });

  it("is refused where it is no address, without a word of what was given", () => {
    const bad = ["api.example.org", "ftp://x", "http://", "https://me:hunter22@example.org", "https://x/?t=hunter22"];
    for (const apiUrl of bad)
      assert.throws(
        () => given({ apiUrl }),
        (error) => isPrintgateError(error, "config-invalid") && !error.message.includes("hunter22"),
      );
    for (const mqttUrl of ["https://x", "x:8883", "mqtts://", "mqtts://u:hunter22@x"])
      assert.throws(
        () => given({ mqttUrl }),
        (error) => isPrintgateError(error, "config-invalid") && !error.message.includes("hunter22"),
      );
  });
});
