import { type BambuLanOptions, bambuLan } from "./session";

/** What a test of the settings found out. */
export type Probe =
  | {
      readonly ok: true;
      readonly model: string | null;
      readonly firmware: string | null;
      readonly fingerprint: string | null;
    }
  | { readonly ok: false; readonly reason: string };

/** Connects with these settings until the printer has reported once, and leaves again. Nothing is remembered. */
export async function probe(options: Omit<BambuLanOptions, "sightings">, timeoutMs = 15_000): Promise<Probe> {
  const { trust } = options;
  let fingerprint = trust.mode === "pin" ? trust.fingerprint : null;
  const learn = (presented: string) => {
    fingerprint = presented;
    return Promise.resolve();
  };
  const link = bambuLan({ ...options, trust: trust.mode === "pin" ? { ...trust, learn } : trust });
  try {
    return await new Promise<Probe>((resolve) => {
      const timer = setTimeout(() => {
        resolve({ ok: false, reason: "connected, but the printer sent no report; is the serial right?" });
      }, timeoutMs);
      const end = (result: Probe) => {
        clearTimeout(timer);
        resolve(result);
      };
      link.open({
        state(state) {
          if (state.kind === "waiting" || state.kind === "stopped") end({ ok: false, reason: state.reason.message });
        },
        report({ complete, model, status }) {
          if (complete) end({ ok: true, model, firmware: status.firmware.installed, fingerprint });
        },
        warn: () => undefined,
      });
    });
  } finally {
    await link.close();
  }
}
