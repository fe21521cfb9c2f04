import { PrintgateError, toError } from "../../errors";
import { createDevOnlyProvider } from "./dev-only";
import type { AuthData, AuthProvider, AuthResult, ExtendedAuthData, ExtendedAuthResult } from "../provider";
import type { Rules } from "../rules/rules";

/** Who may log in, where the policy itself knows. */
export interface Logins {
  login(data: AuthData): Promise<AuthResult>;
  /** Absent: there is no extended login. */
  extended?(data: ExtendedAuthData): Promise<ExtendedAuthResult>;
}

/** What providers are made of. Each part is made only for the provider that needs it. */
export interface ProviderParts {
  /** May throw where the rules are malformed: then the policy is closed. */
  readonly rules: () => Rules;
  readonly logins: () => Logins;
  readonly webhook: () => AuthProvider;
  readonly flow: () => AuthProvider;
}

export type ProviderName = "rules" | "webhook" | "flow" | "dev-only";

const PROVIDERS: ReadonlyMap<unknown, (parts: ProviderParts) => AuthProvider> = new Map<
  ProviderName,
  (parts: ProviderParts) => AuthProvider
>([
  ["rules", ({ rules, logins }) => createRulesProvider(rules(), logins())],
  ["webhook", ({ webhook }) => webhook()],
  ["flow", ({ flow }) => flow()],
  ["dev-only", () => createDevOnlyProvider()],
]);

/** The provider of that name, or why there is none. Never throws. */
export function createProvider(name: unknown, parts: ProviderParts): AuthProvider | PrintgateError {
  const make = PROVIDERS.get(name);
  if (make === undefined)
    return new PrintgateError("config-invalid", "The provider is none of rules, webhook, flow and dev-only");
  try {
    return make(parts);
  } catch (thrown) {
    return toError(thrown);
  }
}

/** Rules and logins in memory. */
export function createRulesProvider(rules: Rules, logins: Logins): AuthProvider {
  return {
    auth: (data) => logins.login(data),
    extendedAuth: (data) =>
      logins.extended?.(data) ??
      Promise.resolve({ result: "rejected", code: "BadAuthMethod", reason: "there is no extended login" }),
    checkPermission: (client, action, unknown) => Promise.resolve(rules.decide(client, action, unknown)),
    checkNow: (client, action, unknown) => rules.decide(client, action, unknown),
    close: () => Promise.resolve(),
  };
}
