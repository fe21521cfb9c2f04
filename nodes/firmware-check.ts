import type { Node, NodeAPI, NodeDef, NodeMessage, NodeStatus } from "node-red";
import { storeOf } from "../lib/node-red/composition";
import { checkFirmware, gistOf, stepOf } from "../lib/node-red/firmware-check";
import { FirmwareNotes } from "../lib/node-red/firmware-memory";
import { followPrinter, type View } from "../lib/node-red/follow";
import { Patience } from "../lib/node-red/patience";
import { copyOf, onClose, onInput, type Send } from "../lib/node-red/runtime";
import { Schedule } from "../lib/node-red/schedule";
import { TalkingLight } from "../lib/node-red/talking-light";
import type { FirmwareReport } from "../lib/printer/firmware";
import { topicOf } from "../lib/printer/status";

/** A printer that has just been connected to is about to speak: a check waits for it, since the start of the node. */
const PATIENCE_MS = 10_000;
const HOUR_MS = 3600_000;

/** Which firmware is installed, and whether there is a newer one: update, up to date, or unknown. */
export default function (RED: NodeAPI): void {
  function FirmwareCheckNode(this: Node, def: NodeDef): void {
    RED.nodes.createNode(this, def);
    const light = new TalkingLight(this);
    const notes = new FirmwareNotes(storeOf(RED), this.id);
    const patience = new Patience(PATIENCE_MS);
    let closed = false;
    const stir = (): void => {
      patience.stir();
    };
    const follower = followPrinter(RED, this, light, {
      type: "firmware-check",
      def: { ...def },
      user: {
        ...{ ready: stir, status: stir, link: stir },
        unusable: () => {
          light.hush();
          stir();
        },
      },
    });
    const { channel, emit, interval } = follower.values;

    const show = (report: FirmwareReport): NodeStatus => {
      const step = stepOf(report);
      if (step !== null) return { fill: report.forceUpdate ? "red" : "yellow", shape: "dot", text: step };
      if (report.updateAvailable === null)
        return { fill: "grey", shape: "ring", text: RED._("firmware-check.status.unknown") };
      const version = report.installed ?? "";
      return { fill: "green", shape: "dot", text: RED._("firmware-check.status.current", { version }).trim() };
    };

    const check = async (msg: NodeMessage, send: Send, force: boolean): Promise<void> => {
      await patience.until(() => !isAboutToSpeak(follower.view()));
      const view = follower.demand();
      const report = await checkFirmware(view, { channel, force });
      if (closed) return;
      light.say(show(report));
      if (emit === "change" && !(await notes.isNews(gistOf(report)))) return;
      const topic = topicOf.firmware(view.printer.id);
      Object.assign(msg, { topic, payload: report, printer: copyOf(view.printer) });
      send(OUTPUTS.map((answer) => (answer === report.updateAvailable ? msg : null)));
    };

    onInput(this, light, async (msg, send) => {
      const force = (msg as { force?: unknown }).force === true;
      await check(msg, send, force).catch((thrown: unknown) => {
        light.hush();
        throw thrown;
      });
    });

    const run = async (due: number): Promise<void> => {
      await notes.plan(due);
      // Without a usable printer the red ring says why.
      if (follower.view() === null || closed) return;
      await check(
        {},
        (msg) => {
          this.send(msg);
        },
        false,
      ).catch(() => {
        light.hush();
      });
    };
    let schedule: Schedule | null = null;
    if (interval > 0)
      void notes.due().then((due) => {
        if (!closed) schedule = new Schedule({ intervalMs: interval * HOUR_MS, due, run });
      });
    onClose(this, () => {
      closed = true;
      schedule?.close();
      patience.close();
      light.close();
    });
  }

  RED.nodes.registerType("firmware-check", FirmwareCheckNode);
}

/** Outputs 1 to 3. */
const OUTPUTS = [true, false, null] as const;

/** On its way to its first report, with nothing that stands against it. */
function isAboutToSpeak(view: View | null): boolean {
  if (view === null) return false;
  const { kind } = view.linkState;
  const isTroubled =
    kind === "waiting" || kind === "stopped" || (kind === "connecting" && view.linkState.after !== null);
  return !isTroubled && !(view.complete && view.firmware.modules.length > 0);
}
