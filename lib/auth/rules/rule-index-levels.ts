/**
 * Levels of names and filters by number. Each level of a question is compared as text once, here, and not at
 * every place of the tree; and no text is cut into pieces for it, which is most of what a decision would cost.
 */

/** The level `+`, and one that is in no rule, among the numbers of levels. */
export const PLUS = -1;
export const STRANGE = -2;

const SLASH = 0x2f;
const PLUS_SIGN = 0x2b;
const EMPTY = -1;

/** The levels that rules name. Only rules add to it, so that nobody who asks can make it slow or large. */
export class Words {
  private readonly texts: string[] = [];
  /** An open hash table of numbers; at most half full. */
  private table = new Int32Array(64).fill(EMPTY);

  /** The number of a level of a rule. */
  add(level: string): number {
    const known = this.find(level, 0, level.length, hashOf(level));
    if (known !== STRANGE) return known;
    this.texts.push(level);
    if (this.texts.length * 2 > this.table.length) {
      this.table = new Int32Array(this.table.length * 2).fill(EMPTY);
      this.texts.forEach((_, id) => {
        this.file(id);
      });
    } else {
      this.file(this.texts.length - 1);
    }
    return this.texts.length - 1;
  }

  private file(id: number): void {
    const mask = this.table.length - 1;
    let at = hashOf(this.texts[id] ?? "") & mask;
    while (this.table[at] !== EMPTY) at = (at + 1) & mask;
    this.table[at] = id;
  }

  /** The number of the level that stands in the text between the two places. */
  find(text: string, begin: number, end: number, hash: number): number {
    const mask = this.table.length - 1;
    for (let at = hash & mask; ; at = (at + 1) & mask) {
      const id = this.table[at] ?? EMPTY;
      if (id === EMPTY) return end === begin + 1 && text.charCodeAt(begin) === PLUS_SIGN ? PLUS : STRANGE;
      const word = this.texts[id] ?? "";
      if (word.length === end - begin && standsAt(word, text, begin)) return id;
    }
  }
}

function standsAt(word: string, text: string, begin: number): boolean {
  for (let i = 0; i < word.length; i++) {
    if (word.charCodeAt(i) !== text.charCodeAt(begin + i)) return false;
  }
  return true;
}

/** The hash that `Levels.read` makes on its way. */
function hashOf(level: string): number {
  let hash = 0;
  for (let i = 0; i < level.length; i++) hash = (Math.imul(hash, 31) + level.charCodeAt(i)) | 0;
  return mix(hash);
}

function mix(hash: number): number {
  return hash ^ (hash >>> 15);
}

/** The levels of one question, a final `#` not among them. One is kept and read anew for each question. */
export class Levels {
  /** How many there are. */
  count = 0;
  /** Their numbers, up to the count. */
  readonly ids: number[] = [];
  private readonly begins: number[] = [];
  private text = "";

  constructor(private readonly words: Words) {}

  /** Reads at most so many levels: what comes after them makes no difference to whoever asks. */
  read(text: string, most: number): void {
    const { words, ids, begins } = this;
    let [count, begin, hash] = [0, 0, 0];
    for (let i = 0; i <= text.length && count < most; i++) {
      const code = i < text.length ? text.charCodeAt(i) : SLASH;
      if (code !== SLASH) {
        hash = (Math.imul(hash, 31) + code) | 0;
        continue;
      }
      begins[count] = begin;
      ids[count] = words.find(text, begin, i, mix(hash));
      count++;
      begin = i + 1;
      hash = 0;
    }
    begins[count] = begin;
    this.text = text;
    this.count = count;
  }

  /** Leaves out a final `#`. */
  dropLast(): void {
    this.count--;
  }

  /** Whether the level is that text; false for an empty one. */
  is(at: number, text: string | undefined): boolean {
    const begin = this.begins[at] ?? 0;
    const length = (this.begins[at + 1] ?? 0) - begin - 1;
    return text !== undefined && length > 0 && text.length === length && this.text.startsWith(text, begin);
  }

  isEmpty(at: number): boolean {
    return (this.begins[at + 1] ?? 0) - (this.begins[at] ?? 0) === 1;
  }
}
