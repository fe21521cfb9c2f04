import type { EditorRED } from "node-red";
import { type Edited, fieldOf, textOf } from "./form";
import { askRuntime, sentence, whilePressed } from "./runtime-call";

declare const RED: EditorRED;

type Config = Edited<"printer-config">;

/** A printer of the account. */
interface Device {
  readonly serial: string;
  readonly name: string;
  readonly model: string | null;
  readonly online: boolean | null;
  readonly hasAccessCode: boolean;
}

/** The account as the editor has it: perhaps not deployed yet. */
type AccountInEditor = Readonly<Record<string, unknown>> & { readonly credentials?: { readonly accessToken?: string } };

const FIELDS = ["region", "apiUrl", "mqttUrl", "tlsConfig"] as const;

/**
 * "Choose from account": lists the printers of the account; a click on one fills in serial, name (if empty) and, where
 * the connection needs it, access code. The access code is asked for at that moment only, and stands in a field that the editor keeps as a credential.
 */
export function prepareDevicePicker(node: Config): void {
  const list = $("#printgate-devices");
  const line = $("#printgate-device-result");
  const say = (text: string, isFailure: boolean): void => {
    line.text(text).toggleClass("printgate-failure", isFailure);
  };

  const ask = <T>(path: string) => {
    const id = textOf("printer-config", "account");
    const account = RED.nodes.node(id) as unknown as AccountInEditor | null;
    const text = (value: unknown): string => (typeof value === "string" ? value : "");
    const { accessToken } = account?.credentials ?? {};
    const form = {
      ...Object.fromEntries(FIELDS.map((key) => [key, text(account?.[key])])),
      ...(accessToken !== undefined && { accessToken }),
    };
    const url = `${encodeURIComponent(id)}/${path}`;
    return askRuntime<T>(node, { method: "POST", about: "accounts", path: url, body: { form } });
  };

  const choose = async ({ serial, name, hasAccessCode }: Device): Promise<void> => {
    fill("serial", serial);
    if (textOf("printer-config", "name") === "") fill("name", name);
    // Only in the network is the printer itself asked, and wants the code.
    if (textOf("printer-config", "connection") === "cloud") {
      say(node._("printer-config.devices.chosen-serial", { name }), false);
      return;
    }
    if (!hasAccessCode) {
      say(node._("printer-config.devices.no-code"), true);
      return;
    }
    const answer = await ask<{ accessCode: string }>(`devices/${encodeURIComponent(serial)}/access-code`);
    if (!answer.ok) say(sentence(answer.reason), true);
    else {
      fill("accessCode", answer.accessCode);
      say(node._("printer-config.devices.chosen", { name }), false);
    }
  };

  const rowOf = (device: Device): JQuery => {
    const { name, model, serial, online } = device;
    const button = $("<button>", { type: "button", class: "red-ui-button printgate-found-printer" });
    const presence =
      online === null ? null : node._(online ? "printer-config.devices.on" : "printer-config.devices.off");
    button.text([name, model, serial, presence].filter((part) => part !== null).join(" · "));
    whilePressed(button, () => choose(device));
    return $("<div>").append(button);
  };

  whilePressed($("#printgate-choose"), async () => {
    list.empty();
    if (textOf("printer-config", "account") === "") {
      say(node._("printer-config.devices.no-account"), true);
      return;
    }
    say(node._("printer-config.devices.asking"), false);
    const answer = await ask<{ devices: Device[] }>("devices");
    if (!answer.ok) say(sentence(answer.reason), true);
    else {
      say(answer.devices.length === 0 ? node._("printer-config.devices.none") : "", false);
      list.append(answer.devices.map(rowOf));
    }
  });
  fieldOf("printer-config", "account").on("change", () => {
    list.empty();
    say("", false);
  });
}

function fill(key: string, value: string): void {
  fieldOf("printer-config", key).val(value).trigger("change");
}
