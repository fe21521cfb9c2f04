/** What a row of the property table can be. Imports nothing: this file also runs in the browser. */

export type Rule = { readonly property: string; readonly is: readonly string[] };

interface Common {
  /** The row matters only while another property has one of these values. */
  readonly when?: Rule;
  /** It does not matter while another property, which stands before it, begins like this. */
  readonly unless?: { readonly property: string; readonly begins: string };
  /** Said when the value is empty; absent = may be empty. */
  readonly missing?: string;
  /** Emptiness is only wrong while this rule holds. */
  readonly missingWhen?: Rule;
}

export type Property = Common &
  (
    | { readonly kind: "text"; readonly default: string; readonly form?: Form; readonly upper?: boolean | Rule }
    /** The id of a config node; Node-RED's editor checks that it exists. */
    | { readonly kind: "node"; readonly default: string; readonly type: string }
    | {
        readonly kind: "number";
        readonly default: number;
        readonly min: number;
        readonly max?: number;
        readonly whole?: boolean;
      }
    | {
        readonly kind: "choice";
        readonly default: string;
        readonly choices: readonly string[];
        /** Words that are known but come with a later release. */
        readonly later?: readonly string[];
      }
    | { readonly kind: "boolean"; readonly default: boolean }
    /** A list of choices: an array, or (through an environment variable) a comma-separated text. */
    | {
        readonly kind: "list";
        readonly default: readonly string[];
        readonly choices: readonly string[];
        /** Taken, not offered: nothing of this release ever says them. */
        readonly later: readonly string[];
      }
    /** Objects that somebody else judges: an array, or (through an environment variable) its JSON. */
    | { readonly kind: "rows"; readonly default: readonly unknown[] }
    /** Where a typed value comes from: Node-RED's words for it. The value itself stands in another row. */
    | { readonly kind: "source"; readonly default: string; readonly sources: readonly string[] }
  );

/** Ways a text can be malformed. */
export const FORMS = {
  id: { fits: /^[^/+#\s\0]+$/, words: "must not hold /, +, # or spaces" },
  host: { fits: /^[\w.:%[\]-]+$/, words: "is no host name or address" },
  fingerprint: {
    fits: /^([0-9a-f]{2}:?){31}[0-9a-f]{2}$/i,
    words: "is no SHA-256 fingerprint (64 hexadecimal digits)",
  },
  path: { fits: /^(\/[\w.~-]+)+$/, words: "must begin with / and hold letters, digits, -, _, . and ~ between slashes" },
  app: { fits: /^[^:\s\0]+$/, words: "must not hold colons or spaces" },
  url: { fits: /^https?:\/\/[^\s?#]+$/i, words: "must begin with http:// or https://, without query" },
  mqttUrl: { fits: /^mqtts?:\/\/[^\s?#/]+\/?$/i, words: "must be mqtts:// or mqtt:// with host and port" },
} as const;
export type Form = keyof typeof FORMS;
