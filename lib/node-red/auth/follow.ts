import type { Node, NodeAPI, NodeStatus } from "node-red";
import { PrintgateError } from "../../errors";
import type { PolicyHandle } from "./policies";
import { type NodeType, readProperties, type Values } from "../properties";
import { type Light, redRing } from "../runtime";
import { Throttle } from "../throttle";

/** An auth-policy node as the nodes that point to it see it. */
export interface AuthPolicyNode extends Node {
  readonly handle: PolicyHandle;
  /** What a node shows that uses a policy which lets everybody in. */
  readonly devOnlyText: string;
}

/** Types that use a policy. */
type UserType = "auth-login" | "auth-gate" | "auth-request" | "auth-server";

export interface PolicyUser<T extends NodeType> {
  readonly values: Values<T>;
  /** null when no policy resolves, or the node's own properties are unusable. */
  readonly handle: PolicyHandle | null;
  /** What stays below the node: that nothing works, or that everything is let in; null = nothing in particular. */
  readonly mark: NodeStatus | null;
  /** @throws PrintgateError in the words of the red ring, when there is no policy to ask */
  demand(): PolicyHandle;
}

/**
 * Finds the policy that a node's `policy` property names and shows what is wrong with it below the node. A policy
 * that is there but can not work is found, too: it is closed, and answers so.
 */
export function usePolicy<T extends UserType>(
  RED: NodeAPI,
  light: Light,
  { type, def }: { type: T; def: Readonly<Record<string, unknown>> },
): PolicyUser<T> {
  const { values, problems } = readProperties(type, def);
  const found = problems[0] === undefined ? findPolicy(RED, values.policy) : unusable(problems[0]);
  if (found instanceof PrintgateError) {
    const ring = redRing(found);
    light.set(ring);
    const demand = (): PolicyHandle => {
      throw found;
    };
    return { values, handle: null, mark: ring, demand };
  }
  const { handle, devOnlyText } = found;
  const mark = markOf(handle, devOnlyText);
  if (mark !== null) light.set(mark);
  return { values, handle, mark, demand: () => handle };
}

function markOf({ policy, provider }: PolicyHandle, devOnlyText: string): NodeStatus | null {
  if (policy.broken !== null) return redRing(policy.broken);
  return provider === "dev-only" ? { fill: "yellow", shape: "ring", text: devOnlyText } : null;
}

function findPolicy(RED: NodeAPI, id: string): AuthPolicyNode | PrintgateError {
  const config = RED.nodes.getNode(id) as Partial<AuthPolicyNode> | null;
  return config?.handle === undefined ? unusable("the policy is missing") : (config as AuthPolicyNode);
}

/** Why a configuration can not be used. */
export function unusable(words: string): PrintgateError {
  return new PrintgateError("config-invalid", words);
}

/** Why there is no decision. */
export function undecided(words: string): PrintgateError {
  return new PrintgateError("provider-failed", words);
}

/** At most one status a second: decisions come far faster than anybody reads. */
const SHOW_MS = 1000;

/** Shows the last decision below a node, now and then. Owns one timer. */
export class DecisionLight {
  private shown: NodeStatus | null = null;
  private readonly throttle = new Throttle(() => {
    if (this.shown !== null) this.light.set(this.shown);
    return true;
  });

  constructor(private readonly light: Light) {}

  /** The same object for the same decision: then there is nothing to do. */
  show(status: NodeStatus): void {
    if (status === this.shown) return;
    this.shown = status;
    this.throttle.ask(SHOW_MS);
  }

  close(): void {
    this.throttle.close();
  }
}
