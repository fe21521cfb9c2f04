import type { Action, CheckResult, ClientInfo } from "../provider";

export interface DecisionCacheOptions {
  /** How long a decision is repeated, in milliseconds from when it was made. */
  readonly ttlMs: number;
  /** Decisions kept at most; the oldest goes first. */
  readonly entries: number;
  /** A steady clock in milliseconds. */
  readonly now: () => number;
}

/** Decisions of a remote provider, for a while. */
export interface DecisionCache {
  get(client: ClientInfo, action: Action): CheckResult | undefined;
  put(client: ClientInfo, action: Action, decision: CheckResult): void;
}

/**
 * Everything that was asked, as text without collisions: JSON of lists, so that no value can
 * imitate a border, with the metadata in one order.
 */
function keyOf(client: ClientInfo, action: Action): string {
  const metadata = Object.entries(client.metadata).sort(([a], [b]) => (a < b ? -1 : 1));
  const asked = "topic" in action ? action.topic : "topicFilter" in action ? action.topicFilter : null;
  const qos = "qos" in action ? action.qos : null;
  const retained = action.kind === "pub" && action.isRetained;
  return JSON.stringify([client.tenantId, client.type, metadata, action.kind, asked, qos, retained, action.userProps]);
}

/**
 * A cache of decisions. Use does not extend an entry: a revoked right ends when its time is over,
 * however often it is asked for. Errors are not kept.
 */
export function createDecisionCache(options: DecisionCacheOptions): DecisionCache {
  const kept = new Map<string, { readonly decision: CheckResult; readonly untilMs: number }>();
  return {
    get(client, action) {
      const key = keyOf(client, action);
      const entry = kept.get(key);
      if (entry === undefined) return undefined;
      if (options.now() < entry.untilMs) return entry.decision;
      kept.delete(key);
      return undefined;
    },
    put(client, action, decision) {
      if (decision.result === "error") return;
      const key = keyOf(client, action);
      // Deleted first, so that the order of the map is the order of age.
      kept.delete(key);
      kept.set(key, { decision, untilMs: options.now() + options.ttlMs });
      for (const oldest of kept.keys()) {
        if (kept.size <= options.entries) break;
        kept.delete(oldest);
      }
    },
  };
}
