/**
 * BifroMQ's auth messages as protobuf-JSON, both ways: the tables of fields (names, order and
 * optional marks as in its mqtt3authtypes, mqtt5authtypes and checktypes), and the way between
 * them and the unions of provider.ts. Nothing here throws on what came from outside.
 */
import type {
  Action,
  ActionKind,
  AuthData,
  AuthResult,
  CheckResult,
  ExtendedAuthData,
  ExtendedAuthResult,
  Mqtt3AuthData,
  Mqtt5AuthData,
  Qos,
  RejectCode,
  UserProps,
} from "./provider";
import {
  type Field,
  type Json,
  type MessageOf,
  type Reading,
  bool,
  bytes,
  listOf,
  memberOf,
  message,
  oneNameOf,
  optionalBytes,
  optionalText,
  printJson,
  readMessage,
  text,
  textMap,
  uint32,
} from "./wire-json";

const pairList = message({ userProperties: listOf(message({ key: text, value: text })) });
const userProps: Field<UserProps | undefined> = {
  read: (json, place) =>
    (pairList.read(json, place)?.userProperties ?? []).flatMap((pair) =>
      pair === undefined ? [] : [[pair.key, pair.value] as const],
    ),
  write: (value) => value && pairList.write({ userProperties: value.map(([key, entry]) => ({ key, value: entry })) }),
  absent: undefined,
};

const QOS_NAMES = ["AT_MOST_ONCE", "AT_LEAST_ONCE", "EXACTLY_ONCE"] as const;
const qosName = oneNameOf<(typeof QOS_NAMES)[number]>(QOS_NAMES, "omitted");
const qos: Field<Qos> = {
  read: (json, place) => QOS_NAMES.indexOf(qosName.read(json, place)) as Qos,
  write: (value) => qosName.write(QOS_NAMES[value]),
  absent: 0,
};

// The default code is written out: a person reads these answers too, and every parser takes it.
const rejectCode = oneNameOf<"BadPass" | "NotAuthorized" | "Error">(["BadPass", "NotAuthorized", "Error"], "written");
const failedCode = oneNameOf<RejectCode>(["BadPass", "NotAuthorized", "Banned", "BadAuthMethod", "Error"], "written");

const mqtt3AuthData = message({
  isMQIsdp: bool,
  username: optionalText,
  password: optionalBytes,
  cert: optionalBytes,
  clientId: optionalText,
  remoteAddr: text,
  remotePort: uint32,
  channelId: text,
});
const mqtt5AuthData = message({
  username: optionalText,
  password: optionalBytes,
  cert: optionalBytes,
  clientId: optionalText,
  remoteAddr: text,
  remotePort: uint32,
  channelId: text,
  responseInfo: bool,
  userProps,
});
const extendedAuthData = message({
  initial: message({ basic: mqtt5AuthData, authMethod: text, authData: optionalBytes }),
  auth: message({ authMethod: text, authData: bytes, userProps, isReAuth: bool }),
});

const identity = { tenantId: text, userId: text, attrs: textMap };
const failing = { tenantId: optionalText, userId: optionalText, reason: optionalText };
const successShape = { ...identity, ResponseInfo: optionalText, userProps, authData: optionalBytes };
const failedShape = { code: failedCode, ...failing, userProps };
const rejectShape = { code: rejectCode, ...failing };
const ok = message(identity);
const reject = message(rejectShape);
const success = message(successShape);
const failed = message(failedShape);
const mqtt3Result = message({ ok, reject });
const anyResult = message({ ok, reject, success, failed });
const extendedResult = message({
  ok,
  reject,
  success,
  failed,
  continue: message({ authData: bytes, tenantId: optionalText, userId: optionalText, reason: optionalText, userProps }),
});

const mqttAction = message({
  pub: message({ topic: text, qos, isRetained: bool, userProps }),
  sub: message({ topicFilter: text, qos, userProps }),
  unsub: message({ topicFilter: text, userProps }),
  conn: message({ userProps }),
});
const checkResult = message({
  granted: message({ userProps }),
  denied: message({ reason: optionalText, userProps }),
  error: message({ reason: optionalText, userProps }),
});

const read = <T>(value: T): Reading<T> => ({ kind: "read", value });
/** The value through `next`, or why there is none. */
function after<T, U>(reading: Reading<T>, next: (value: T) => Reading<U>): Reading<U> {
  return reading.kind === "read" ? next(reading.value) : reading;
}

/** MQTT3AuthData, as `POST /auth` carries it for clients of every version. */
export function readMqtt3AuthData(json: unknown): Reading<Mqtt3AuthData> {
  return after(readMessage(mqtt3AuthData, json, "auth data"), (value) => read({ version: "3", ...value }));
}

const mqtt5 = (value: NonNullable<typeof mqtt5AuthData.absent>): Mqtt5AuthData => ({
  version: "5",
  ...value,
  userProps: value.userProps ?? [],
});

/** MQTT5AuthData. */
export function readMqtt5AuthData(json: unknown): Reading<Mqtt5AuthData> {
  return after(readMessage(mqtt5AuthData, json, "auth data"), (value) => read(mqtt5(value)));
}

/** MQTT5ExtendedAuthData: `{ initial }` or `{ auth }`. */
export function readExtendedAuthData(json: unknown): Reading<ExtendedAuthData> {
  return after(readMessage(extendedAuthData, json, "extended auth data"), (value) =>
    after(memberOf(value, "extended auth data"), () => {
      if (value.auth !== undefined)
        return read<ExtendedAuthData>({ step: "auth", ...value.auth, userProps: value.auth.userProps ?? [] });
      if (value.initial?.basic === undefined)
        return { kind: "malformed", reason: "extended auth data.initial.basic is missing" };
      return read<ExtendedAuthData>({ step: "initial", ...value.initial, basic: mqtt5(value.initial.basic) });
    }),
  );
}

/**
 * What an MQTT 5 client shows, cut down to MQTT3AuthData as BifroMQ's default does before it asks
 * a provider that knows MQTT 3 only: no channel id, and a client id even where there was none.
 */
export function asMqtt3(data: AuthData): Mqtt3AuthData {
  if (data.version === "3") return data;
  const { username, password, cert, clientId, remoteAddr, remotePort } = data;
  return {
    version: "3",
    isMQIsdp: false,
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(cert !== undefined && { cert }),
    clientId: clientId ?? "",
    remoteAddr,
    remotePort,
    channelId: "",
  };
}

/** Auth data as a JSON value, bytes as base64: MQTT3AuthData or MQTT5AuthData by its version. */
export function authDataJson(data: AuthData): Json {
  return (data.version === "3" ? mqtt3AuthData.write(data) : mqtt5AuthData.write(data)) ?? {};
}

/** The body of `POST /auth`, as the demo plugin lays it out; its JSON writer escapes a few more signs than it must. */
export const printAuthData = (data: AuthData): string => printJson(authDataJson(asMqtt3(data)));

type Succeeded = MessageOf<typeof successShape>;
type Refused = MessageOf<typeof failedShape>;

function okOf(value: Succeeded): AuthResult {
  const { tenantId, userId, attrs, ResponseInfo, ...rest } = value;
  const responseInfo = ResponseInfo === undefined ? {} : { responseInfo: ResponseInfo };
  return { result: "ok", identity: { tenantId, userId, attrs }, ...responseInfo, ...rest };
}
const rejected = (value: Refused): AuthResult => ({ result: "rejected", ...value });

type Answered = Partial<{ ok: Succeeded; success: Succeeded; reject: Refused; failed: Refused }>;
function authResult(value: Answered): Reading<AuthResult> {
  return after(memberOf(value, "auth result"), () => {
    const well = value.ok ?? value.success;
    const ill = value.reject ?? value.failed;
    if (well !== undefined) return read(okOf(well));
    if (ill !== undefined) return read(rejected(ill));
    return { kind: "malformed", reason: "auth result is of no known kind" };
  });
}

/** MQTT3AuthResult, `{ ok }` or `{ reject }`: what a webhook answers. */
export function readMqtt3AuthResult(json: unknown): Reading<AuthResult> {
  return after(readMessage(mqtt3Result, json, "auth result"), authResult);
}

/** The result of either version: `{ ok }`, `{ reject }`, `{ success }` or `{ failed }`. */
export function readAuthResult(json: unknown): Reading<AuthResult> {
  return after(readMessage(anyResult, json, "auth result"), authResult);
}

/** The same with `{ continue }`. */
export function readExtendedAuthResult(json: unknown): Reading<ExtendedAuthResult> {
  return after(readMessage(extendedResult, json, "auth result"), (value) => {
    const { continue: going, ...rest } = value;
    if (going === undefined) return authResult(rest);
    return after(memberOf(value, "auth result"), () => {
      const { authData, reason, userProps: props } = going;
      return read<ExtendedAuthResult>({
        result: "continue",
        authData,
        ...(reason !== undefined && { reason }),
        ...(props !== undefined && { userProps: props }),
      });
    });
  });
}

/** MQTT3AuthResult as a JSON value. MQTT 3 has fewer codes: the others are told as NotAuthorized. */
export function mqtt3AuthResultJson(result: AuthResult): Json {
  if (result.result === "ok") return { ok: ok.write(result.identity) ?? {} };
  const code = result.code === "BadPass" || result.code === "Error" ? result.code : "NotAuthorized";
  return { reject: reject.write({ ...result, code }) ?? {} };
}

/** MQTTAction: exactly one of `pub`, `sub`, `unsub`, `conn`. The topic is not judged here. */
export function readAction(json: unknown): Reading<Action> {
  return after(readMessage(mqttAction, json, "action"), (value) =>
    after(memberOf(value, "action"), (kind: ActionKind) => {
      const body = { ...value[kind], userProps: value[kind]?.userProps ?? [] };
      return read({ kind, ...body } as Action);
    }),
  );
}

/** An action as a JSON value: QoS 0 and `isRetained: false` are left out, user properties are not. */
export function actionJson(action: Action): Json {
  const { kind, ...body } = action;
  return mqttAction.write({ [kind]: body }) ?? {};
}

/** The body of `POST /check`, as the demo plugin lays it out; its JSON writer escapes a few more signs than it must. */
export const printAction = (action: Action): string => printJson(actionJson(action));

/** CheckResult: `{ granted }`, `{ denied }` or `{ error }`. */
export function readCheckResult(json: unknown): Reading<CheckResult> {
  return after(readMessage(checkResult, json, "check result"), (value) =>
    after(memberOf(value, "check result"), (result) => read<CheckResult>({ result, ...value[result] })),
  );
}
