import assert from "node:assert/strict";
import { createDevOnlyProvider, devIdentity, DEV_ONLY_WARNING } from "../../../lib/auth/providers/dev-only";

describe("the dev-only provider", () => {
  const names: [string | undefined, string, string][] = [
    ["home/ada", "home", "ada"],
    ["ada", "DevOnly", "ada"],
    ["home/ada/x", "DevOnly", "home/ada/x"],
    ["home/", "DevOnly", "home/"],
    ["/ada", "DevOnly", "/ada"],
    ["/", "DevOnly", "/"],
    ["", "DevOnly", "DevUser"],
    [undefined, "DevOnly", "DevUser"],
  ];
  for (const [username, tenantId, userId] of names) {
    it(`takes ${username === undefined ? "no user name" : JSON.stringify(username)} for ${userId} of ${tenantId}`, async () => {
      assert.deepEqual(devIdentity(username), { tenantId, userId, attrs: {} });
      const data = { version: "3", isMQIsdp: false, remoteAddr: "", remotePort: 0, channelId: "" } as const;
      const result = await createDevOnlyProvider().auth(username === undefined ? data : { ...data, username });
      assert.deepEqual(result, { result: "ok", identity: { tenantId, userId, attrs: {} } });
    });
  }

  it("grants every check, at once too, and no extended login", async () => {
    const provider = createDevOnlyProvider();
    const client = { tenantId: "", type: "", metadata: {} };
    const action = { kind: "conn", userProps: [] } as const;
    assert.equal((await provider.checkPermission(client, action)).result, "granted");
    assert.equal(provider.checkNow?.(client, action).result, "granted");
    const step = { step: "auth", authMethod: "X", authData: Buffer.of(1), userProps: [], isReAuth: false } as const;
    assert.equal((await provider.extendedAuth(step)).result, "rejected");
    await provider.close();
  });

  it("says what it is", () => {
    assert.match(DEV_ONLY_WARNING, /everybody is let in/);
  });
});
