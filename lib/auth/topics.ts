/**
 * MQTT topic names and filters: which are legal, and how sets of names relate. Clauses are those of MQTT 5.0
 * (4.7, 4.8.2) and hold for 3.1.1 too. Comparison is byte-exact: no case folding, no Unicode normalisation.
 *
 * A filter stands for a set of topic names. `matches` asks for one name, `covers` whether one set lies inside
 * another (may somebody who is allowed A subscribe to B?), `overlaps` whether two sets have a name in common
 * (would a subscription to B show something of the forbidden A?).
 */

/** The longest UTF-8 string of the protocol, in bytes (1.5.4). */
const MAX_BYTES = 65_535;

/** Shared subscriptions: MQTT's own, and BifroMQ's ordered one. */
const SHARES: readonly string[] = ["$share", "$oshare"];

/** Anything that may be wrong: NUL, a wildcard, half of a surrogate pair. Looked at closely only when it hits. */
const SUSPICIOUS = /[\0+#\ud800-\udfff]/;
const LONE_SURROGATE = /\p{Surrogate}/u;

/** Why the text can not be an MQTT string at all (1.5.4), or null. */
export function textProblem(text: string): string | null {
  if (text.length * 3 > MAX_BYTES && Buffer.byteLength(text) > MAX_BYTES) return `it is longer than ${MAX_BYTES} bytes`;
  if (!SUSPICIOUS.test(text)) return null;
  if (text.includes("\0")) return "it holds the character NUL";
  return LONE_SURROGATE.test(text) ? "it is not well-formed Unicode" : null;
}

/** Whether the text begins with the level that marks a shared subscription. */
function shareOf(text: string): string | undefined {
  // The first character sorts out nearly everything.
  return text.startsWith("$") ? SHARES.find((share) => text === share || text.startsWith(`${share}/`)) : undefined;
}

/**
 * Why the text is no topic name that may be published to, as the end of a sentence, or null if it is one.
 * Names below `$share` and `$oshare` are refused: no server delivers them.
 */
export function nameProblem(name: string): string | null {
  if (name === "") return "it is empty";
  const text = textProblem(name);
  if (text !== null) return text;
  if (SUSPICIOUS.test(name) && /[+#]/.test(name)) return "a topic name holds no wildcard";
  const share = shareOf(name);
  return share === undefined ? null : `${share} is for subscriptions only`;
}

/** Why the text is no topic filter, as the end of a sentence, or null if it is one. */
export function filterProblem(filter: string): string | null {
  if (filter === "") return "it is empty";
  const text = textProblem(filter);
  if (text !== null) return text;
  if (shareOf(filter) === undefined) return innerProblem(filter);
  // 4.8.2: $share/{name}/{filter}
  const [, group, ...inner] = filter.split("/");
  if (group === undefined || group === "") return "the name of the share is missing";
  if (/[+#]/.test(group)) return "the name of a share holds no wildcard";
  const rest = inner.join("/");
  if (rest === "") return "the filter of the share is missing";
  if (shareOf(rest) !== undefined) return "a share within a share";
  return innerProblem(rest);
}

function innerProblem(filter: string): string | null {
  if (!SUSPICIOUS.test(filter)) return null;
  const levels = filter.split("/");
  const wrong = levels.findIndex(
    (level, at) => /[+#]/.test(level) && level !== "+" && !(level === "#" && at === levels.length - 1),
  );
  if (wrong < 0) return null;
  return levels[wrong] === "#" ? `"#" is not its last level` : "a wildcard does not fill its whole level";
}

/** The filter that selects the messages: what follows `$share/{name}/`, else the filter itself. */
export function innerFilter(filter: string): string {
  if (shareOf(filter) === undefined) return filter;
  return filter.slice(filter.indexOf("/", filter.indexOf("/") + 1) + 1);
}

/** A valid filter in pieces: its levels without a final `#`, and whether there was one. */
export interface Filter {
  readonly levels: readonly string[];
  readonly hash: boolean;
}

/** Takes a valid filter to pieces, a share prefix removed. */
export function splitFilter(filter: string): Filter {
  const levels = innerFilter(filter).split("/");
  return levels.at(-1) === "#" ? { levels: levels.slice(0, -1), hash: true } : { levels, hash: false };
}

/** Whether the first level of a name or filter keeps wildcards away (4.7.2). */
export function isHidden(level: string | undefined): boolean {
  return level?.startsWith("$") === true;
}

/** Whether every name of the level `asked` is one of `allowed`; both are levels of filters. */
function levelCovers(allowed: string | undefined, asked: string, at: number): boolean {
  if (allowed === "+") return at > 0 || !isHidden(asked);
  return allowed === asked;
}

/** Whether the two levels of filters have a name in common. */
function levelMeets(one: string, other: string, at: number): boolean {
  if (one === "+") return at > 0 || !isHidden(other);
  if (other === "+") return at > 0 || !isHidden(one);
  return one === other;
}

/** How many levels the shortest name has that the filter matches. "" is no name, so `/#` needs two. */
export function shortest({ levels, hash }: Filter): number {
  if (!hash) return levels.length;
  return levels.length === 1 && levels[0] === "" ? 2 : Math.max(levels.length, 1);
}

/** Whether the filter matches the name; false if either is invalid. */
export function matches(filter: string, name: string): boolean {
  return (
    filterProblem(filter) === null && nameProblem(name) === null && filterCovers(splitFilter(filter), splitFilter(name))
  );
}

/**
 * Whether every name that `asked` matches is matched by `allowed`; false if either is invalid.
 * Exact for the two filters: `+/#` covers `#`, and `/+/#` covers `/#`.
 */
export function covers(allowed: string, asked: string): boolean {
  return (
    filterProblem(allowed) === null &&
    filterProblem(asked) === null &&
    filterCovers(splitFilter(allowed), splitFilter(asked))
  );
}

/** Whether some name is matched by both; false if either is invalid. */
export function overlaps(one: string, other: string): boolean {
  return (
    filterProblem(one) === null && filterProblem(other) === null && filtersOverlap(splitFilter(one), splitFilter(other))
  );
}

/** `covers` for valid filters in pieces. A topic name in pieces is a filter that matches just itself. */
export function filterCovers(allowed: Filter, asked: Filter): boolean {
  if (asked.hash && !allowed.hash) return false;
  const [have, want] = [allowed.levels.length, shortest(asked)];
  if (allowed.hash ? have > want : have !== want) return false;
  if (have === 0 && isHidden(asked.levels[0])) return false;
  // Levels that the asked filter leaves to its "#" can be anything.
  return allowed.levels.every((level, at) => levelCovers(level, asked.levels[at] ?? "+", at));
}

/** `overlaps` for valid filters in pieces. */
export function filtersOverlap(one: Filter, other: Filter): boolean {
  const [oneNeeds, otherNeeds] = [shortest(one), shortest(other)];
  if (!one.hash && oneNeeds < otherNeeds) return false;
  if (!other.hash && otherNeeds < oneNeeds) return false;
  const [few, many] = one.levels.length <= other.levels.length ? [one, other] : [other, one];
  if (few.levels.length === 0) return !isHidden(many.levels[0]);
  return few.levels.every((level, at) => levelMeets(level, many.levels[at] ?? "", at));
}
