import { isInRange, parseClientAddress, type AddressRange } from "../address";
import { metadataOf } from "./placeholders";
import type { ClientInfo, Unknown } from "../provider";

/** Whom a rule is about. A field that is absent is about anyone; within a field one entry is enough. */
export interface Who {
  readonly userId?: ReadonlySet<string>;
  readonly clientId?: ReadonlySet<string>;
  readonly tenantId?: ReadonlySet<string>;
  /** Entries of the comma-separated attribute `roles`. */
  readonly role?: ReadonlySet<string>;
  readonly address?: readonly AddressRange[];
}

/** "maybe": it depends on something that is not known. */
export type Certainty = "yes" | "maybe" | "no";

/** Reads an attribute of a client, "" where it has none. The last text is read once: one client tends to ask many times. */
function reader<T>(attribute: string, read: (text: string) => T): (client: ClientInfo) => T {
  let [lastText, last] = ["", read("")];
  return (client) => {
    const text = metadataOf(client, attribute) ?? "";
    if (text !== lastText) [lastText, last] = [text, read(text)];
    return last;
  };
}

/** Spaces around the commas do not count. */
const rolesOf = reader("roles", (text): readonly string[] => text.split(",").map((role) => role.trim()));
const addressOf = reader("address", parseClientAddress);

function has(set: ReadonlySet<string>, value: string | undefined): boolean {
  return value !== undefined && set.has(value);
}

/** One row a field: whether the client is among those meant, and what it must be known for that. */
const FIELDS: readonly {
  readonly field: keyof Who;
  readonly needs: Unknown | null;
  readonly fits: (who: Who, client: ClientInfo) => boolean;
}[] = [
  { field: "tenantId", needs: null, fits: ({ tenantId }, client) => !tenantId || has(tenantId, client.tenantId) },
  { field: "userId", needs: null, fits: ({ userId }, client) => !userId || has(userId, metadataOf(client, "userId")) },
  {
    field: "clientId",
    needs: "clientId",
    fits: ({ clientId }, client) => !clientId || has(clientId, metadataOf(client, "clientId")),
  },
  { field: "role", needs: "attrs", fits: ({ role }, client) => !role || rolesOf(client).some((one) => role.has(one)) },
  {
    field: "address",
    needs: "address",
    fits: ({ address: ranges }, client) => {
      if (!ranges) return true;
      const address = addressOf(client);
      return address !== null && ranges.some((range) => isInRange(address, range));
    },
  },
];

/** Whether the client is one of those the rule is about, and the field that decided if not for certain. */
export function judgeWho(
  who: Who,
  client: ClientInfo,
  unknown: ReadonlySet<Unknown>,
): { readonly fits: Certainty; readonly field?: keyof Who } {
  let unsure: keyof Who | undefined;
  for (const { field, needs, fits } of FIELDS) {
    if (who[field] === undefined) continue;
    if (needs !== null && unknown.has(needs)) unsure ??= field;
    else if (!fits(who, client)) return { fits: "no", field };
  }
  return unsure === undefined ? { fits: "yes" } : { fits: "maybe", field: unsure };
}
