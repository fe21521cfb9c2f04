import type { AccountState } from "../../bambu/cloud/types";
import type { Words } from "../look";

const DAY_MS = 24 * 3600_000;
/** From when on the end of a sign-in is shown: the first of the days whose warning is an event. */
const SHOWN_DAYS = 14;

/**
 * What a node shows of the account that its printer is reached through; null = all is well. That nobody is signed in is
 * not repeated where the connection itself says so.
 * @param words the texts of printer-config
 * @param at epoch ms
 */
export function accountRemark(state: AccountState, words: Words, at: number): string | null {
  switch (state.kind) {
    case "signed-out":
      return words("remark.signed-out");
    case "expired":
      return words("remark.expired");
    case "signed-in": {
      if (state.until === null || state.until - at > SHOWN_DAYS * DAY_MS) return null;
      const days = Math.max(1, Math.ceil((state.until - at) / DAY_MS));
      return days === 1 ? words("remark.expires-in-a-day") : words("remark.expires-in-days", { days });
    }
  }
}
