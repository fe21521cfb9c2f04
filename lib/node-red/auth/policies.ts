import { type AppKeys, createAppKeys } from "../../auth/login/app-keys";
import { parseApps } from "../../auth/login/app-keys-apps";
import { type Attempts, createAttempts } from "../../auth/login/attempts";
import { DEV_ONLY_WARNING } from "../../auth/providers/dev-only";
import { createFlowProvider, type FlowQuestion, type FlowProvider } from "../../auth/providers/flow-provider";
import { createLogins, withAppSessions } from "../../auth/login/login";
import { createMetrics, type Metrics } from "../../auth/metrics";
import { Policy } from "../../auth/policy/policy";
import { createProvider } from "../../auth/providers/providers";
import type { Identity } from "../../auth/provider";
import { compileRules, type Rules } from "../../auth/rules/rules";
import { indexAttributes } from "../../auth/login/users-directory";
import { createWebhookProvider } from "../../auth/providers/webhook";
import { PrintgateError } from "../../errors";
import { readProperties, unsetVariable, type Values, variableIn } from "../properties";
import type { Document } from "../store";
import { type RegisteredUser, UserBook } from "./users";

const GRACE_MS = 1000;

/** Secrets of an auth-policy node, as Node-RED keeps them. */
export interface PolicyCredentials {
  /** JSON: see `parseUsers`. */
  users?: string;
}

/** The flow that decides, as the auth-request nodes are connected to it. */
export interface Questions {
  /** Takes questions from now on; the answer to call stops that. When nobody is left, open questions end as errors. */
  join(ask: (question: FlowQuestion) => void): () => void;
  /** As FlowProvider.answer. */
  answer(id: unknown, payload: unknown): string | null;
}

/** A policy at work, and everything that belongs to it. The auth-policy node owns it. */
export interface PolicyHandle {
  readonly policy: Policy;
  readonly provider: Values<"auth-policy">["provider"];
  /** The compiled rules; null where something else decides, or they are malformed. */
  readonly rules: Rules | null;
  readonly users: UserBook;
  readonly appKeys: AppKeys;
  readonly attempts: Attempts;
  readonly metrics: Metrics;
  /** Null unless a flow decides. */
  readonly questions: Questions | null;
  /** For the log: what is not used, and what is dangerous. */
  readonly warnings: readonly string[];
  readonly attributesOf: (tenantId: string, userId: string) => Identity["attrs"] | undefined;
  close(): Promise<void>;
}

/**
 * The policy that an auth-policy node describes. Never throws: one that can not work is closed, and says why in
 * `policy.broken`.
 */
export function buildPolicy(
  def: Readonly<Record<string, unknown>>,
  credentials: PolicyCredentials,
  registered: Document<readonly RegisteredUser[]>,
): PolicyHandle {
  const { values, problems } = readProperties("auth-policy", def);
  const variable = variableIn(credentials.users);
  const wrong = problems[0] ?? (variable === null ? undefined : unsetVariable(variable));
  const users = new UserBook(variable === null ? credentials.users : undefined, registered);
  const { rows: apps, refused } = parseApps(values.apps, { minModulusBits: values.minModulusBits });
  const appKeys = createAppKeys({ apps, sessionSeconds: values.sessionSeconds });
  const metrics = createMetrics();
  const { webhookUrl: url, webhookTimeout: timeoutMs } = values;
  const asked = createQuestions(timeoutMs);
  let rules: Rules | null = null;
  const provider =
    wrong === undefined
      ? createProvider(values.provider, {
          rules: () => (rules = compileRules(values.rules)),
          logins: () => createLogins({ users: usersFor(users), appKeys }),
          webhook: () => withAppSessions(appKeys, createWebhookProvider({ url, timeoutMs })),
          flow: () => withAppSessions(appKeys, asked.provider),
        })
      : new PrintgateError("config-invalid", wrong);
  const decidesInMemory = values.provider === "rules" || values.provider === "dev-only";
  const policy = new Policy({
    provider,
    // Whoever is asked keeps the time; this is for the case that it does not.
    timeoutMs: decidesInMemory ? null : timeoutMs + GRACE_MS,
    bypassOnError: values.bypassOnError,
    metrics,
  });
  return {
    ...{ policy, provider: values.provider, rules, users, appKeys, metrics },
    attempts: createAttempts(),
    questions: values.provider === "flow" ? asked.questions : null,
    warnings: [
      ...(values.provider === "dev-only" ? [DEV_ONLY_WARNING] : []),
      ...(values.bypassOnError ? ["bypassOnError is set: what can not be judged is granted"] : []),
      ...users.refused.map((row) => `users: ${refusedWords(row)}`),
      ...refused.map((row) => `apps: ${refusedWords(row)}`),
    ],
    attributesOf: createAttributes(users, appKeys),
    close: () => policy.close(),
  };
}

/** Who is known by tenant and user; the index is made anew when users came or went. */
function createAttributes(users: UserBook, appKeys: AppKeys): PolicyHandle["attributesOf"] {
  const make = (): PolicyHandle["attributesOf"] => indexAttributes([...users.identities(), ...appKeys.identities()]);
  let [version, find] = [users.version, make()];
  return (tenantId, userId) => {
    if (version !== users.version) [version, find] = [users.version, make()];
    return find(tenantId, userId);
  };
}

function refusedWords({ index, name, reason }: { index: number | null; name: string | null; reason: string }): string {
  const which = index === null ? "the whole list" : `number ${index + 1}${name === null ? "" : ` (${name})`}`;
  return `${which} is not used: ${reason}`;
}

/** The book as the directory that a login asks; it is changed through the book only. */
function usersFor(book: UserBook): Parameters<typeof createLogins>[0]["users"] {
  return { login: (data) => book.login(data), identities: () => book.identities(), add: () => false };
}

function createQuestions(timeoutMs: number): { readonly provider: FlowProvider; readonly questions: Questions } {
  const askers = new Set<(question: FlowQuestion) => void>();
  const provider = createFlowProvider({
    timeoutMs,
    emit: (question) => {
      for (const ask of askers) ask(question);
      return askers.size > 0;
    },
  });
  return {
    provider,
    questions: {
      join(ask) {
        askers.add(ask);
        return () => {
          askers.delete(ask);
          if (askers.size === 0) provider.abandon("the flow that decides was redeployed");
        };
      },
      answer: (id, payload) => provider.answer(id, payload),
    },
  };
}
