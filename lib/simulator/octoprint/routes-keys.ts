/** How an application gets a key: the plugin Application Keys, and the handshake of old servers. */
import { answer, type Call, DONE, FORBIDDEN, NO_PAGE, NOT_FOUND, refusal, type Answer, type Route } from "./answers";
import type { AppKeyDesk } from "./app-keys";

/** 404 where the plugin is not installed. */
const withPlugin =
  (run: (desk: AppKeyDesk, call: Call) => Answer) =>
  (call: Call): Answer =>
    call.core.appKeys === null ? NO_PAGE : run(call.core.appKeys, call);

const request = withPlugin((desk, { body, base }) => {
  const { app, user } = body;
  if (typeof app !== "string" || app === "") return refusal(400, "No app name provided");
  const token = desk.request(app, typeof user === "string" ? user : null);
  const dialog = `${base}/plugin/appkeys/auth/${token}${typeof user === "string" ? `?user=${encodeURIComponent(user)}` : ""}`;
  return {
    status: 201,
    headers: { location: `${base}/plugin/appkeys/request/${token}` },
    body: { app_token: token, auth_dialog: dialog },
  };
});

const poll = withPlugin((desk, { params }) => {
  const result = desk.poll(params[0] ?? "");
  if (result === null) return NOT_FOUND;
  return result.kind === "key" ? answer({ api_key: result.key }) : answer({ message: "Awaiting decision" }, 202);
});

const decide = withPlugin((desk, { params, body, user }) => {
  if (user === null) return FORBIDDEN;
  if (typeof body["decision"] !== "boolean") return refusal(400, "No decision provided");
  return desk.decide(params[0] ?? "", user.name, body["decision"]) ? DONE : NOT_FOUND;
});

const manage = withPlugin((_desk, { core, user, body }) => {
  const { command, app } = body;
  if (user === null) return FORBIDDEN;
  if (typeof app !== "string") return refusal(400, "Mandatory parameters missing");
  if (command === "generate") {
    const owner = typeof body["user"] === "string" ? body["user"] : user.name;
    return answer({ user_id: owner, app_id: app, api_key: core.access.grant(owner, app) });
  }
  if (command !== "revoke") return refusal(400, "command is invalid");
  core.access.revoke(app);
  return DONE;
});

const APP_KEY_ROUTES: readonly Route[] = [
  { method: "GET", path: /^\/plugin\/appkeys\/probe$/, run: withPlugin(() => DONE) },
  {
    method: "POST",
    path: /^\/plugin\/appkeys\/request$/,
    open: true,
    json: true,
    run: request,
    admit: ({ appKeys }) =>
      appKeys === null || appKeys.admit()
        ? null
        : refusal(429, "You have made too many app key requests. Please try again later."),
  },
  { method: "GET", path: /^\/plugin\/appkeys\/request\/([^/]+)$/, run: poll },
  {
    method: "POST",
    path: /^\/plugin\/appkeys\/decision\/([^/]+)$/,
    permission: "PLUGIN_APPKEYS_GRANT",
    json: true,
    run: decide,
  },
  {
    method: "GET",
    path: /^\/api\/plugin\/appkeys$/,
    permission: "STATUS",
    run: withPlugin((desk, { core }) => answer({ keys: core.access.listAppKeys(), pending: desk.list() })),
  },
  { method: "POST", path: /^\/api\/plugin\/appkeys$/, permission: "PLUGIN_APPKEYS_GRANT", json: true, run: manage },
];

const SESSION_KEY_ROUTES: readonly Route[] = [
  {
    method: "GET",
    path: /^\/apps\/auth$/,
    run: ({ core }) => core.sessionKeys?.issue() ?? NO_PAGE,
  },
  {
    method: "POST",
    path: /^\/apps\/auth$/,
    open: true,
    run: ({ core, headers, bytes }) =>
      core.sessionKeys?.verify(headers["content-type"], bytes.toString("utf8")) ?? NO_PAGE,
  },
];

export const KEY_ROUTES: readonly Route[] = [...APP_KEY_ROUTES, ...SESSION_KEY_ROUTES];
