/** An answer of the package's admin routes. */
export type Answer<T> = (T & { ok: true }) | { ok: false; reason: string };

type Call = { readonly method: "GET" | "POST" | "DELETE"; readonly path: string; readonly body?: unknown };

/** Looks a text up in the catalogue of the node that is being edited. */
interface Speaker {
  _(key: string): string;
}

/** What went wrong before our route could answer; anything else is told as the browser tells it. */
const FAILURES: Record<number, string> = {
  0: "printer-config.call.unreachable",
  401: "printer-config.call.forbidden",
  403: "printer-config.call.forbidden",
};

/** Asks the runtime; a request that fails becomes an answer, too. The path is relative: the editor may live below any root. */
export async function askRuntime<T>(speaker: Speaker, { method, path, body }: Call): Promise<Answer<T>> {
  const settings: JQuery.AjaxSettings = { method, url: `printgate/printers/${path}`, dataType: "json" };
  if (body !== undefined) Object.assign(settings, { contentType: "application/json", data: JSON.stringify(body) });
  try {
    return (await $.ajax(settings)) as Answer<T>;
  } catch (thrown) {
    const { status, statusText } = thrown as JQuery.jqXHR;
    const known = FAILURES[status];
    return { ok: false, reason: known === undefined ? `${status} ${statusText}` : speaker._(known) };
  }
}

/** Keeps a button from being pressed again while its work runs. */
export function whilePressed(button: JQuery, work: () => Promise<void>): void {
  button.on("click", () => {
    button.prop("disabled", true);
    void work().finally(() => {
      button.prop("disabled", false);
    });
  });
}
