import type { Link, LinkListener, LinkState, Observation } from "../../lib/printer/link";

/** Opens a link and writes down all that it says. */
export class LinkLog implements LinkListener {
  readonly states: LinkState[] = [];
  readonly reports: Observation[] = [];
  readonly warnings: string[] = [];

  constructor(readonly link: Link) {
    link.open(this);
  }

  state(state: LinkState): void {
    this.states.push(state);
  }

  report(observation: Observation): void {
    this.reports.push(observation);
  }

  warn(message: string): void {
    this.warnings.push(message);
  }

  get now(): LinkState["kind"] {
    return this.states.at(-1)?.kind ?? "closed";
  }

  get last(): Observation | undefined {
    return this.reports.at(-1);
  }

  /** The reasons that were given, in words. */
  get reasons(): string[] {
    return this.states.flatMap((state) => ("reason" in state ? [state.reason.message] : []));
  }

  /** Everything that a user could get to see, errors with their causes included. */
  get allWords(): string {
    const causes = this.states.flatMap((state) => {
      const words: string[] = [];
      let error: unknown = "reason" in state ? state.reason : null;
      for (; error instanceof Error; error = error.cause) words.push(error.message, error.stack ?? "");
      return words;
    });
    return [
      ...this.warnings,
      ...causes,
      JSON.stringify(this.reports.map((report) => [report.status, report.raw()])),
    ].join("\n");
  }
}
