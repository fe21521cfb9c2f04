import assert from "node:assert/strict";
import { PrintgateError } from "../../../lib/errors";
import {
  type Happening,
  type Mode,
  moveFor,
  outerState,
  type Picture,
  routeOf,
} from "../../../lib/printer/failover-table";
import type { LinkState } from "../../../lib/printer/link";

const live: LinkState = { kind: "live" };
const closed: LinkState = { kind: "closed" };
const connecting: LinkState = { kind: "connecting", after: null };
const waiting = (words: string, retryInMs: number | null = 1000): LinkState => ({
  kind: "waiting",
  reason: new PrintgateError("unreachable", words),
  retryInMs,
});
const stopped = (words: string): LinkState => ({
  kind: "stopped",
  reason: new PrintgateError("access-refused", words),
});
const picture = (difference: Partial<Picture>): Picture => ({
  mode: "lan",
  lan: live,
  cloud: closed,
  lanQuiet: false,
  ...difference,
});

describe("which way to the printer counts", () => {
  const TABLE: Record<Mode, Record<Happening, string>> = {
    lan: {
      "lan-whole": "-",
      "lan-quiet": "seeking open",
      "lan-lost": "seeking open",
      "cloud-whole": "-",
      "cloud-lost": "-",
    },
    seeking: {
      "lan-whole": "lan close switched",
      "lan-quiet": "-",
      "lan-lost": "-",
      "cloud-whole": "cloud switched",
      "cloud-lost": "-",
    },
    cloud: {
      "lan-whole": "lan close switched",
      "lan-quiet": "-",
      "lan-lost": "-",
      "cloud-whole": "-",
      "cloud-lost": "seeking",
    },
  };

  for (const [mode, row] of Object.entries(TABLE) as [Mode, Record<Happening, string>][]) {
    for (const [happening, expected] of Object.entries(row) as [Happening, string][]) {
      it(`in ${mode}, ${happening} leads to ${expected === "-" ? "nothing" : expected}`, () => {
        const move = moveFor(mode, happening);
        const words = move === null ? ["-"] : [move.mode, move.cloud, move.switched === true ? "switched" : undefined];
        assert.equal(words.filter((word) => word !== undefined).join(" "), expected);
      });
    }
  }

  it("every switch away from the LAN opens the cloud, every way back closes it", () => {
    let mode: Mode = "lan";
    let open = false;
    const happenings: Happening[] = ["lan-quiet", "cloud-whole", "cloud-lost", "cloud-whole", "lan-lost", "lan-whole"];
    for (const happening of [...happenings, ...happenings, "lan-whole" as const]) {
      const move = moveFor(mode, happening);
      if (move?.cloud === "open") assert.equal(open, false);
      if (move?.cloud !== undefined) open = move.cloud === "open";
      mode = move?.mode ?? mode;
      assert.equal(open, mode !== "lan");
    }
  });

  it("commands go over the way that counts, in between over one that is connected and talks", () => {
    assert.equal(routeOf(picture({})), "lan");
    assert.equal(routeOf(picture({ mode: "cloud", cloud: live })), "cloud");
    assert.equal(routeOf(picture({ mode: "seeking", cloud: connecting })), "lan");
    assert.equal(routeOf(picture({ mode: "seeking", lan: waiting("x"), cloud: live })), "cloud");
    assert.equal(routeOf(picture({ mode: "seeking", cloud: live, lanQuiet: true })), "cloud");
    assert.equal(routeOf(picture({ mode: "seeking", cloud: live })), "lan");
  });
});

describe("what the outside sees of two ways", () => {
  it("is live while the way that counts is, whatever the other does", () => {
    assert.deepEqual(outerState(picture({})), live);
    assert.deepEqual(outerState(picture({ mode: "seeking", cloud: connecting, lanQuiet: true })), live);
    assert.deepEqual(outerState(picture({ mode: "cloud", lan: stopped("code refused"), cloud: live })), live);
    assert.deepEqual(outerState(picture({ mode: "seeking", lan: live, cloud: stopped("expired") })), live);
  });

  it("is connecting while either is, with the trouble that made it so", () => {
    assert.deepEqual(outerState(picture({ lan: connecting })), connecting);
    const handover = outerState(picture({ mode: "seeking", lan: waiting("gone"), cloud: connecting }));
    assert.equal(handover.kind === "connecting" && handover.after?.message, "gone");
  });

  it("waits for the sooner of two attempts and gives the words of both", () => {
    const state = outerState(
      picture({ mode: "seeking", lan: waiting("gone", 8000), cloud: waiting("no cloud", 2000) }),
    );
    assert.ok(state.kind === "waiting");
    assert.equal(state.reason.message, "gone; through the cloud: no cloud");
    assert.equal(state.reason.code, "unreachable");
    assert.equal(state.retryInMs, 2000);
    const never = outerState(picture({ mode: "seeking", lan: stopped("code"), cloud: waiting("offline", null) }));
    assert.deepEqual([never.kind, never.kind === "waiting" && never.retryInMs], ["waiting", null]);
  });

  it("stops only when both have", () => {
    const state = outerState(picture({ mode: "seeking", lan: stopped("code refused"), cloud: stopped("expired") }));
    assert.equal(state.kind === "stopped" && state.reason.message, "code refused; through the cloud: expired");
    const half = outerState(picture({ mode: "seeking", lan: waiting("gone"), cloud: stopped("expired") }));
    assert.equal(half.kind, "waiting");
  });
});
