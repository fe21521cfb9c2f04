import { PrintgateError } from "../../errors";
import type { Link } from "../../printer/link";

const TIMEOUT_MS = 15_000;

/**
 * Opens a link until the printer has told its whole state once, and closes it.
 * @throws PrintgateError why it did not
 */
export async function tryLink(
  link: Link,
  timeoutMs = TIMEOUT_MS,
): Promise<{ readonly model: string | null; readonly firmware: string | null }> {
  try {
    return await new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new PrintgateError("silent", "connected, but the printer sent no report; is the serial right?"));
      }, timeoutMs);
      const end = (settle: () => void): void => {
        clearTimeout(timer);
        settle();
      };
      link.open({
        state: (state) => {
          if (state.kind !== "waiting" && state.kind !== "stopped") return;
          end(() => {
            reject(state.reason);
          });
        },
        report: ({ complete, away, model, status }) => {
          if (!complete) return;
          end(() => {
            if (away === true) reject(new PrintgateError("offline", "the printer itself is off or not connected"));
            else resolve({ model, firmware: status.firmware.installed });
          });
        },
        warn: () => undefined,
      });
    });
  } finally {
    await link.close();
  }
}
