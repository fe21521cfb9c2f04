import { type Edited, fieldOf, formOf } from "./form";
import { askRuntime } from "./runtime-call";

interface Started {
  readonly request: string;
  readonly page: string;
}

const ASK_EVERY_MS = 1000;

/**
 * "Request key": asks OctoPrint for a key, shows where somebody has to accept it, and puts it into the field of the
 * credential. A second press, or closing the dialog, gives the request up.
 * @returns to be called when the dialog closes
 */
export function prepareRequestKey(node: Edited<"printer-config">): () => void {
  const button = $("#printgate-request-key");
  const label = button.find("span");
  const line = $("#printgate-request-key-result");
  /** The request that is under way; null = none. */
  let current: { id: string | null } | null = null;

  const say = (text: string, outcome: "success" | "failure" | "none"): void => {
    line.text(text);
    line.toggleClass("printgate-success", outcome === "success");
    line.toggleClass("printgate-failure", outcome === "failure");
  };
  const end = (): void => {
    const id = current?.id ?? null;
    current = null;
    label.text(node._("printer-config.key.button"));
    if (id !== null) void askRuntime(node, { method: "DELETE", about: "octoprint", path: `key/${id}` });
  };

  const ask = async (mine: { id: string | null }): Promise<void> => {
    if (current !== mine || mine.id === null) return;
    const path = `key/${mine.id}`;
    const answer = await askRuntime<{ key: string | null }>(node, { method: "GET", about: "octoprint", path });
    if (current !== mine) return;
    if (answer.ok && answer.key === null) {
      setTimeout(() => void ask(mine), ASK_EVERY_MS);
      return;
    }
    mine.id = null;
    end();
    if (!answer.ok) {
      say(node._("printer-config.key.failed", { reason: answer.reason }), "failure");
      return;
    }
    fieldOf("printer-config", "apiKey")
      .val(answer.key ?? "")
      .trigger("change");
    say(node._("printer-config.key.done"), "success");
  };

  const start = async (): Promise<void> => {
    const mine: { id: string | null } = { id: null };
    current = mine;
    label.text(node._("printer-config.key.cancel"));
    say(node._("printer-config.key.asking"), "none");
    const body = { ...formOf("printer-config"), id: node.id };
    const answer = await askRuntime<Started>(node, { method: "POST", about: "octoprint", path: "key", body });
    if (current !== mine) {
      // Given up meanwhile: nobody is to be asked any more.
      if (answer.ok) void askRuntime(node, { method: "DELETE", about: "octoprint", path: `key/${answer.request}` });
      return;
    }
    if (!answer.ok) {
      end();
      say(node._("printer-config.key.failed", { reason: answer.reason }), "failure");
      return;
    }
    mine.id = answer.request;
    say(node._("printer-config.key.waiting"), "none");
    const link = $("<a>", { href: answer.page, target: "_blank", rel: "noopener noreferrer" }).text(answer.page);
    line.append(" ", link);
    void ask(mine);
  };

  button.on("click", () => {
    if (current === null) {
      void start();
      return;
    }
    end();
    say("", "none");
  });
  return end;
}
