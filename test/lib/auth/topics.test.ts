import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { covers, filterProblem, innerFilter, matches, nameProblem, overlaps } from "../../../lib/auth/topics";

function readRows<T>(file: string): T[] {
  return JSON.parse(readFileSync(join(__dirname, "../../data", file), "utf8")) as T[];
}

const matchRows = readRows<[filter: string, name: string, expected: boolean | "invalid"]>("topic-match.json");
const coverRows = readRows<[allowed: string, asked: string, expected: boolean]>("topic-cover.json");

/** All lists of `length` entries of the alphabet. */
function words(alphabet: readonly string[], length: number): string[][] {
  if (length === 0) return [[]];
  return words(alphabet, length - 1).flatMap((word) => alphabet.map((letter) => [...word, letter]));
}

function pathsOf(alphabet: readonly string[], longest: number): string[] {
  return Array.from({ length: longest }, (_, i) => words(alphabet, i + 1))
    .flat()
    .map((levels) => levels.join("/"))
    .filter((path) => path !== "");
}

/** What a filter means, said as a regular expression: nothing of it is shared with the code under test. */
function asPattern(filter: string): RegExp {
  const body = filter
    .split("/")
    .map((level, at, all) => {
      if (level === "+") return at === 0 ? "(?!\\$)[^/]*" : "[^/]*";
      if (level !== "#") return level.replace("$", "\\$");
      return all.length === 1 ? "(?!\\$).*" : "@REST@";
    })
    .join("/")
    .replace("/@REST@", "(?:/.*)?");
  return new RegExp(`^${body}$`, "s");
}

describe("topic names and filters", () => {
  describe("the judged table of matches", () => {
    for (const [i, row] of matchRows.entries()) {
      const [filter, name, expected] = row;
      it(`row ${i + 1}: ${JSON.stringify(filter)} and ${JSON.stringify(name)} give ${String(expected)}`, () => {
        const invalid = filterProblem(filter) !== null || nameProblem(name) !== null;
        assert.equal(invalid, expected === "invalid");
        assert.equal(matches(filter, name), expected === true);
      });
    }
    it("has its 75 rows", () => {
      assert.equal(matchRows.length, 75);
    });
  });

  describe("the judged table of coverage", () => {
    for (const [i, row] of coverRows.entries()) {
      const [allowed, asked, expected] = row;
      it(`row ${i + 1}: ${allowed} ${expected ? "covers" : "does not cover"} ${asked}`, () => {
        assert.equal(covers(allowed, asked), expected);
        if (expected) assert.ok(overlaps(allowed, asked), "what is covered overlaps");
      });
    }
    it("has its 45 rows", () => {
      assert.equal(coverRows.length, 45);
    });
  });

  describe("against an enumeration of names", () => {
    const filters = pathsOf(["", "a", "$a", "+"], 3).concat(
      ["#"],
      words(["", "a", "$a", "+"], 1).map((levels) => [...levels, "#"].join("/")),
      words(["", "a", "$a", "+"], 2).map((levels) => [...levels, "#"].join("/")),
    );
    // One level and one letter beyond what the filters know, so that no set looks smaller than it is.
    const names = pathsOf(["", "a", "$a", "$z", "z"], 4);
    const sets = filters.map((filter) => {
      const pattern = asPattern(filter);
      return names.map((name) => pattern.test(name));
    });

    it("every filter matches exactly the names of its set", () => {
      for (const [f, filter] of filters.entries()) {
        assert.equal(filterProblem(filter), null, filter);
        for (const [n, name] of names.entries()) assert.equal(matches(filter, name), sets[f]![n], `${filter} ${name}`);
      }
    });

    it("covers is inclusion and overlaps is intersection, for every pair", () => {
      for (const [a, one] of filters.entries()) {
        for (const [b, other] of filters.entries()) {
          const [setA, setB] = [sets[a]!, sets[b]!];
          assert.equal(
            covers(one, other),
            setB.every((has, n) => !has || setA[n]!),
            `${one} covers ${other}`,
          );
          assert.equal(
            overlaps(one, other),
            setB.some((has, n) => has && setA[n]!),
            `${one} overlaps ${other}`,
          );
        }
      }
    });

    it("a share is judged by its inner filter on either side", () => {
      for (const one of filters.slice(0, 40)) {
        for (const other of filters) {
          assert.equal(covers(one, `$share/g/${other}`), covers(one, other));
          assert.equal(covers(`$oshare/g/${one}`, other), covers(one, other));
          assert.equal(overlaps(`$share/g/${one}`, `$share/h/${other}`), overlaps(one, other));
        }
      }
    });
  });

  describe("validity", () => {
    const loneHalf = "a/\ud83d";
    const longest = "a".repeat(65_535);
    const cases: [string, string, filter: boolean, name: boolean][] = [
      ["nothing at all", "", false, false],
      ["a single slash", "/", true, true],
      ["65,535 slashes", "/".repeat(65_535), true, true],
      ["65,536 slashes", "/".repeat(65_536), false, false],
      ["65,535 bytes", longest, true, true],
      ["65,536 bytes in 65,535 characters", `${longest.slice(1)}\u00e9`, false, false],
      ["65,535 bytes in 21,845 characters", "\u20ac".repeat(21_845), true, true],
      ["NUL", "a\0b", false, false],
      ["the first half of a surrogate pair", loneHalf, false, false],
      ["the second half of a surrogate pair", "\ude00/a", false, false],
      ["a whole surrogate pair", "a/\u{1f600}", true, true],
      ["a control character, which the protocol allows", "a/\u0007", true, true],
      ["a final number sign", "a/#", true, false],
      ["a number sign on its way", "#/a", false, false],
      ["a number sign after a letter", "a#", false, false],
      ["a plus sign after a letter", "a/b+", false, false],
      ["two plus signs", "++", false, false],
      ["a name below $SYS", "$SYS/a", true, true],
      ["a shared filter", "$share/g/a", true, false],
      ["an ordered shared filter", "$oshare/g/a", true, false],
      ["$share by itself", "$share", false, false],
      ["a share without a filter", "$share/g", false, false],
      ["a share with an empty filter", "$share/g/", false, false],
      ["a share without a name", "$share//a", false, false],
      ["a share with a wildcard for its name", "$share/+/a", false, false],
      ["a share with a broken filter", "$share/g/a/#/b", false, false],
      ["a share within a share", "$share/g/$share/h/a", false, false],
      ["an ordered share within a share", "$share/g/$oshare/h/a", false, false],
      ["another spelling of share, which is an ordinary name", "$SHARE/g/a", true, true],
      ["a longer word than share", "$shared/g/a", true, true],
    ];
    for (const [what, text, filter, name] of cases) {
      it(`${what} is ${filter ? "a" : "no"} filter and ${name ? "a" : "no"} name`, () => {
        assert.equal(filterProblem(text) === null, filter);
        assert.equal(nameProblem(text) === null, name);
      });
    }

    it("nothing invalid matches, covers or overlaps anything", () => {
      for (const bad of ["", "a/#/b", "$share/g", "a\0", loneHalf]) {
        for (const good of ["#", "a", "+/#"]) {
          assert.equal(matches(good, bad) || matches(bad, good), false);
          assert.equal(covers(good, bad) || covers(bad, good), false);
          assert.equal(overlaps(good, bad) || overlaps(bad, good), false);
        }
      }
    });

    it("the filter inside a share keeps its empty levels", () => {
      assert.equal(innerFilter("$share/g//a/"), "/a/");
      assert.equal(innerFilter("$oshare/g/#"), "#");
      assert.equal(innerFilter("$SYS/a/b"), "$SYS/a/b");
    });
  });
});
