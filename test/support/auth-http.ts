import { serve } from "../../lib/auth/http/http";
import type { AuditRecord, HttpParts, HttpRequest } from "../../lib/auth/http/types";
import { createMetrics } from "../../lib/auth/metrics";
import { Policy } from "../../lib/auth/policy/policy";
import { createRulesProvider } from "../../lib/auth/providers/providers";
import { createLogins } from "../../lib/auth/login/login";
import { compileRules } from "../../lib/auth/rules/rules";
import type { UserRow } from "../../lib/auth/login/users";
import { indexAttributes } from "../../lib/auth/login/users-directory";
import { loginParts } from "./auth-login";
import { type LocalServer, serveHttp } from "./auth-webhook";

/** A policy with rules, anna and the kiosk, served over real HTTP; its books are `audit`. */
export async function servePolicy(rules: object[], more: Partial<HttpParts> = {}) {
  const login = loginParts();
  const metrics = createMetrics();
  const provider = createRulesProvider(compileRules(rules), createLogins(login));
  const policy = new Policy({ provider, timeoutMs: null, bypassOnError: false, metrics });
  const audit: AuditRecord[] = [];
  const registered: UserRow[] = [];
  const parts: HttpParts = {
    policy,
    attributesOf: indexAttributes([...login.users.identities(), ...login.appKeys.identities()]),
    appKeys: login.appKeys,
    attempts: login.attempts,
    registration: {
      secret: "let me register",
      register: (row) => {
        const isNew = login.users.add(row);
        if (isNew) registered.push(row);
        return Promise.resolve(isNew);
      },
    },
    metrics: { contentType: metrics.contentType, text: () => metrics.text() },
    audit: (record) => audit.push(record),
    ...more,
  };
  const server: LocalServer = await serveHttp((req, res) => {
    const request: HttpRequest = {
      method: req.method ?? "",
      path: (req.url ?? "").split("?")[0] ?? "",
      headers: req.headersDistinct,
      remoteAddress: req.socket.remoteAddress,
      parsed: undefined,
      stream: req as AsyncIterable<Uint8Array>,
      contentLength: req.headers["content-length"],
    };
    void serve(request, parts).then((reply) => res.writeHead(reply.status, reply.headers).end(reply.body));
  });
  const call = (method: string, path: string, body?: string | object, headers: Record<string, string> = {}) =>
    fetch(server.url + path, {
      method,
      headers: { "Content-Type": "application/json", ...headers },
      ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
  return { ...server, server, parts, login, audit, registered, call };
}
