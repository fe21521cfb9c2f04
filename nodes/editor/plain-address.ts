import type { NodeType } from "../../lib/node-red/properties";
import { fieldOf, textOf } from "./form";

/** Says beside an address that nothing on its way is encrypted. */
export function preparePlainAddresses(type: NodeType, keys: readonly string[]): void {
  for (const key of keys) {
    const warn = (): void => {
      $(`#printgate-plain-${key}`).toggle(/^(http|mqtt):/i.test(textOf(type, key)));
    };
    fieldOf(type, key).on("input change", warn);
    warn();
  }
}
