/** An answer of the package's admin routes. */
export type Answer<T> = (T & { ok: true }) | { ok: false; reason: string };

interface Call {
  readonly method: "GET" | "POST" | "DELETE";
  /** Whom the question is about; printers where nothing is said. */
  readonly about?: "printers" | "policies";
  readonly path: string;
  readonly body?: unknown;
}

/** Asks the runtime; a request that fails becomes an answer, too. The path is relative: the editor may live below any root. */
export async function askRuntime<T>({ method, about = "printers", path, body }: Call): Promise<Answer<T>> {
  const settings: JQuery.AjaxSettings = { method, url: `printgate/${about}/${path}`, dataType: "json" };
  if (body !== undefined) Object.assign(settings, { contentType: "application/json", data: JSON.stringify(body) });
  try {
    return (await $.ajax(settings)) as Answer<T>;
  } catch (thrown) {
    const { status, statusText } = thrown as JQuery.jqXHR;
    return { ok: false, reason: `${status} ${statusText}` };
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
