/** An answer of the package's admin routes. */
export type Answer<T> = (T & { ok: true }) | { ok: false; reason: string };

interface Call {
  readonly method: "GET" | "POST" | "DELETE";
  /** Whom the question is about; printers where nothing is said. */
  readonly about?: "printers" | "policies" | "accounts" | "octoprint";
  readonly path: string;
  readonly body?: unknown;
}

/** The node that is being edited: it looks texts up in its own catalogue, below its type. */
interface Speaker {
  readonly type: string;
  _(key: string): string;
}

/** What went wrong before our route could answer; anything else is told as the browser tells it. */
const FAILURES: Record<number, string> = {
  0: "call.unreachable",
  401: "call.forbidden",
  403: "call.forbidden",
};

/** Asks the runtime; a request that fails becomes an answer, too. The path is relative: the editor may live below any root. */
export async function askRuntime<T>(speaker: Speaker, call: Call): Promise<Answer<T>> {
  const { method, about = "printers", path, body } = call;
  const settings: JQuery.AjaxSettings = { method, url: `printgate/${about}/${path}`, dataType: "json" };
  if (body !== undefined) Object.assign(settings, { contentType: "application/json", data: JSON.stringify(body) });
  try {
    return (await $.ajax(settings)) as Answer<T>;
  } catch (thrown) {
    const { status, statusText } = thrown as JQuery.jqXHR;
    const known = FAILURES[status];
    return {
      ok: false,
      reason: known === undefined ? `${status} ${statusText}` : speaker._(`${speaker.type}.${known}`),
    };
  }
}

/** A reason as a sentence of its own. */
export const sentence = (reason: string): string => {
  const begun = `${reason.charAt(0).toUpperCase()}${reason.slice(1)}`;
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
};

/** Keeps a button from being pressed again while its work runs. */
export function whilePressed(button: JQuery, work: () => Promise<void>): void {
  button.on("click", () => {
    button.prop("disabled", true);
    void work().finally(() => {
      button.prop("disabled", false);
    });
  });
}
