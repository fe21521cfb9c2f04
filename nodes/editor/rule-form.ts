/** A rule as the dialog shows it. What the form has no place for is kept as it is, so that nothing gets lost unseen. */
export interface RuleFields {
  readonly effect: string;
  readonly actions: readonly string[];
  /** One a line. */
  readonly topics: string;
  /** `role: guest`, one a line; a name may come more than once. */
  readonly who: string;
  readonly qos: readonly number[];
  readonly retain: "" | "true" | "false";
  readonly userProps: string;
  readonly note: string;
  readonly others: Readonly<Record<string, unknown>>;
}

export type Fields = Readonly<Record<string, unknown>>;

const isText = (value: unknown): value is string => typeof value === "string" && !value.includes("\n");
const isTexts = (value: unknown): value is string[] => Array.isArray(value) && value.every(isText);
const isRecord = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** One row a field: what the form can show, and how it goes back. */
const SHOWN: Readonly<Record<string, (value: unknown) => boolean>> = {
  effect: (value) => value === "allow" || value === "deny",
  actions: isTexts,
  topics: isTexts,
  who: (value) =>
    isRecord(value) && Object.entries(value).every(([key, one]) => isName(key) && (isText(one) || isTexts(one))),
  qos: (value) => Array.isArray(value) && value.every((one) => one === 0 || one === 1 || one === 2),
  retain: (value) => typeof value === "boolean",
  userProps: (value) => isRecord(value) && Object.entries(value).every(([key, one]) => isName(key) && isText(one)),
  note: isText,
};

const isName = (key: string): boolean => isText(key) && key === key.trim() && key !== "" && !key.includes(":");

/** The fields for a rule of the configuration; a new rule is `{ effect: "allow", actions: ["pub"] }`. */
export function fieldsOf(rule: unknown): RuleFields {
  const entries = isRecord(rule) ? Object.entries(rule) : [];
  const shown = Object.fromEntries(entries.filter(([key, value]) => SHOWN[key]?.(value) === true));
  const others = Object.fromEntries(entries.filter(([key]) => !(key in shown)));
  const { effect = "", actions = [], topics = [], who = {}, qos = [], retain, userProps = {}, note = "" } = shown;
  return {
    effect: effect as string,
    actions: actions as string[],
    topics: (topics as string[]).join("\n"),
    who: linesOf(who as Fields),
    qos: qos as number[],
    retain: retain === undefined ? "" : retain === true ? "true" : "false",
    userProps: linesOf(userProps as Fields),
    note: note as string,
    others,
  };
}

/** The rule of the fields; what was left empty is absent. */
export function ruleOf(fields: RuleFields): Fields {
  const { effect, actions, qos, retain, note, others } = fields;
  const topics = textLines(fields.topics);
  const who = recordOf(fields.who);
  const userProps = Object.fromEntries(
    Object.entries(recordOf(fields.userProps)).map(([name, value]) => [name, value.at(-1) ?? ""]),
  );
  return {
    ...others,
    ...(effect !== "" && { effect }),
    ...(actions.length > 0 && { actions }),
    ...(topics.length > 0 && { topics }),
    ...(Object.keys(who).length > 0 && { who }),
    ...(qos.length > 0 && { qos }),
    ...(retain !== "" && { retain: retain === "true" }),
    ...(Object.keys(userProps).length > 0 && { userProps }),
    ...(note !== "" && { note }),
  };
}

/** `name: value` lines of a record; a list gives a line for each of its entries. */
export function linesOf(record: Fields): string {
  return Object.entries(record)
    .flatMap(([name, value]) => [value].flat().map((one) => `${name}: ${String(one)}`))
    .join("\n");
}

/** The record of `name: value` lines, each value a list. A line without a colon is a name without a value. */
function recordOf(text: string): Record<string, string[]> {
  const record: Record<string, string[]> = {};
  for (const line of textLines(text)) {
    const [, name = line, value = ""] = /^([^:]*):\s*(.*)$/.exec(line) ?? [];
    const key = name.trim();
    record[key] = [...(Object.hasOwn(record, key) ? (record[key] ?? []) : []), value];
  }
  return record;
}

/** The same with one text a name, as attributes have it: the last one counts. */
export function attributesOf(text: string): Record<string, string> {
  return Object.fromEntries(Object.entries(recordOf(text)).map(([name, values]) => [name, values.at(-1) ?? ""]));
}

function textLines(text: string): string[] {
  return text
    .split("\n")
    .map((line) => line.replace(/\r$/, ""))
    .filter((line) => line.trim() !== "");
}
