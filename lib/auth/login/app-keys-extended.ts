/** App Session Keys as an MQTT 5 authentication method: the key travels in AUTH packets instead of over HTTP. */
import type { AppKeys } from "./app-keys";
import type { ExtendedAuthData, ExtendedAuthResult, RejectCode } from "../provider";
import { parseJson } from "../wire-json";

/** The Authentication Method of the handshake. */
export const APP_SESSION = "APP-SESSION";

const rejected = (code: RejectCode, reason: string): ExtendedAuthResult => ({ result: "rejected", code, reason });

function challenge(keys: AppKeys): ExtendedAuthResult {
  const issued = keys.issue();
  if (issued === undefined) return rejected("Error", "too many keys wait for their verification");
  return { result: "continue", authData: Buffer.from(JSON.stringify(issued)) };
}

/**
 * One step of the handshake, its data JSON in UTF-8: the first is answered with `continue` and
 * `{ unverifiedKey, validUntil }`; the next carries `{ appid, appversion, key, _sig }`. Who proves
 * himself again while connected begins with an empty step.
 */
export function extendedAppLogin(keys: AppKeys, data: ExtendedAuthData): ExtendedAuthResult {
  if (data.authMethod !== APP_SESSION) return rejected("BadAuthMethod", `the only method known is ${APP_SESSION}`);
  if (data.step === "initial" || (data.isReAuth && data.authData.length === 0)) return challenge(keys);
  const request = parseJson(data.authData);
  if (request.kind === "malformed") return rejected("Error", "the authentication data is not JSON");
  const verification = keys.verify(request.value);
  switch (verification.kind) {
    case "verified":
      return { result: "ok", identity: verification.identity };
    case "malformed":
      return rejected("Error", verification.reason);
    case "refused":
      return rejected(verification.code, verification.reason);
  }
}
