/** A rule that lets everybody publish and subscribe there. */
export const allow = (topic: string, more: object = {}): object => ({
  effect: "allow",
  actions: ["pub", "sub", "unsub"],
  topics: [topic],
  ...more,
});

export const deny = (topic: string, more: object = {}): object => ({ ...allow(topic, more), effect: "deny" });
