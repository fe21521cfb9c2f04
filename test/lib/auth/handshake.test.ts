import assert from "node:assert/strict";
import { APP_SESSION } from "../../../lib/auth/login/app-keys-extended";
import { logIn, withAppSessions } from "../../../lib/auth/login/login";
import type { AuthProvider, ExtendedAuthData } from "../../../lib/auth/provider";
import { kiosk, loginParts } from "../../support/auth-login";

const initial: Extract<ExtendedAuthData, { step: "initial" }> = {
  step: "initial",
  authMethod: APP_SESSION,
  basic: {
    version: "5",
    clientId: "tablet",
    remoteAddr: "192.0.2.4",
    remotePort: 1,
    channelId: "ch",
    responseInfo: false,
    userProps: [],
  },
};
const step = (authData: string | Uint8Array, isReAuth = false): ExtendedAuthData => ({
  step: "auth",
  authMethod: APP_SESSION,
  authData: Buffer.from(authData),
  userProps: [],
  isReAuth,
});

describe("the app handshake as extended authentication", () => {
  const begin = async (parts: ReturnType<typeof loginParts>, data: ExtendedAuthData = initial): Promise<string> => {
    const result = await parts.policy.extendedAuth(data);
    assert.equal(result.result, "continue");
    const { unverifiedKey, validUntil } = JSON.parse(Buffer.from(result.authData).toString()) as Record<
      string,
      unknown
    >;
    assert.match(String(unverifiedKey), /^[0-9A-F]{32}$/);
    assert.equal(typeof validUntil, "number");
    return String(unverifiedKey);
  };

  it("the first step is answered with a key to sign, the second with the app's identity", async () => {
    const parts = loginParts();
    const key = await begin(parts);
    const result = await parts.policy.extendedAuth(step(JSON.stringify(kiosk.request(key))));
    assert.deepEqual(result, {
      result: "ok",
      identity: { tenantId: "home", userId: "kiosk", attrs: { roles: "app" } },
    });
    assert.equal(parts.appKeys.identify(key)?.userId, "kiosk");
  });

  it("a step that can not be understood keeps the key, a wrong signature burns it", async () => {
    const parts = loginParts();
    const key = await begin(parts);
    const request = kiosk.request(key);
    for (const garbage of ["", "{", "5", Buffer.from([0xff]), JSON.stringify({ ...request, _sig: "?" })]) {
      const result = await parts.policy.extendedAuth(step(garbage));
      assert.ok(result.result === "rejected" && result.code === "Error", String(garbage));
    }
    const forged = { ...request, _sig: kiosk.request("another")._sig };
    const bad = await parts.policy.extendedAuth(step(JSON.stringify(forged)));
    assert.ok(bad.result === "rejected" && bad.code === "BadPass");
    const late = await parts.policy.extendedAuth(step(JSON.stringify(request)));
    assert.ok(late.result === "rejected" && late.code === "NotAuthorized");
  });

  it("who proves himself again begins with an empty step", async () => {
    const parts = loginParts();
    const key = await begin(parts, step("", true));
    const result = await parts.policy.extendedAuth(step(JSON.stringify(kiosk.request(key)), true));
    assert.equal(result.result, "ok");
  });

  it("another method is not known", async () => {
    const result = await loginParts().policy.extendedAuth({ ...initial, authMethod: "SCRAM-SHA-1" });
    assert.ok(result.result === "rejected" && result.code === "BadAuthMethod");
  });

  it("when too many keys wait, the handshake does not begin", async () => {
    const parts = loginParts({ appKeys: { pendingLimit: 1 } });
    await begin(parts);
    const result = await parts.policy.extendedAuth(initial);
    assert.ok(result.result === "rejected" && result.code === "Error");
  });

  it("over messages its bytes travel in msg.authData and msg.auth.authData", async () => {
    const parts = loginParts();
    const first = await logIn(
      "msg",
      { authData: { initial: { basic: { clientId: "tablet", remoteAddr: "192.0.2.4" }, authMethod: APP_SESSION } } },
      parts,
    );
    assert.equal(first.auth.result, "continue");
    assert.ok(Buffer.isBuffer(first.auth.authData));
    assert.equal(first.client, undefined);
    const { unverifiedKey } = JSON.parse(first.auth.authData.toString()) as { unverifiedKey: string };
    const authData = Buffer.from(JSON.stringify(kiosk.request(unverifiedKey)));
    const second = await logIn("msg", { authData: { auth: { authMethod: APP_SESSION, authData } } }, parts);
    assert.equal(second.auth.result, "ok");
    assert.deepEqual(second.client, {
      tenantId: "home",
      type: "MQTT",
      metadata: { roles: "app", userId: "kiosk", ver: "5" },
    });
  });

  it("stands in front of a provider, which keeps its other methods and its fast path", async () => {
    const parts = loginParts();
    const asked: string[] = [];
    const granted = { result: "granted" } as const;
    const inner: { -readonly [K in keyof AuthProvider]: AuthProvider[K] } = {
      auth: () => Promise.resolve({ result: "rejected", code: "Banned" }),
      extendedAuth: (data) => {
        asked.push(data.authMethod);
        return Promise.resolve({ result: "rejected", code: "NotAuthorized" });
      },
      checkPermission: () => Promise.resolve(granted),
      checkNow() {
        assert.equal(this, inner);
        return granted;
      },
      close: () => {
        asked.push("close");
        return Promise.resolve();
      },
    };
    const both = withAppSessions(parts.appKeys, inner);
    assert.equal((await both.extendedAuth(initial)).result, "continue");
    assert.equal((await both.extendedAuth({ ...initial, authMethod: "SCRAM" })).result, "rejected");
    const client = { tenantId: "", type: "", metadata: {} };
    const action = { kind: "conn", userProps: [] } as const;
    assert.deepEqual(both.checkNow?.(client, action), granted);
    assert.deepEqual(await both.checkPermission(client, action), granted);
    delete inner.checkNow;
    assert.ok(!("checkNow" in withAppSessions(parts.appKeys, inner)));
    await both.close();
    assert.deepEqual(asked, ["SCRAM", "close"]);
  });
});
