import { bambuCloud } from "../../bambu/cloud/link";
import { withAccount } from "../../bambu/cloud/with-account";
import { bambuLan } from "../../bambu/session";
import { isPrintgateError, PrintgateError, toError } from "../../errors";
import { failover } from "../../printer/failover";
import type { Link } from "../../printer/link";
import type { AccountHandle } from "../accounts/accounts";
import { lanAccess, tryLan } from "./bambu";
import { preparedLink } from "./prepared-link";
import type { PrinterSettings } from "../settings";
import { tryLink } from "./try-link";
import type { Finding, Surroundings, Way } from "./way";

/** The LAN counts as silent after this at the latest. */
const QUIET_MS = 30_000;

const nothing = (): Promise<void> => Promise.resolve();

/** A Bambu Lab printer through the account that it is bound to. */
export const cloud: Way = {
  link: (settings, around) =>
    preparedLink({ name: "cloud", vendor: "bambu" }, () => {
      const handle = handleOf(settings, around);
      void handle.learnModels();
      const link = withAccount(cloudLink(settings, handle), handle.account, settings.id);
      return Promise.resolve({ link, putAway: nothing });
    }),
  tryOut: tryCloud,
};

/** In the network as long as that works, else through the account. */
export const auto: Way = {
  link: (settings, around) =>
    preparedLink({ name: "lan", vendor: "bambu" }, async () => {
      const handle = handleOf(settings, around);
      void handle.learnModels();
      const { options, putAway } = await lanAccess(settings, around);
      const quietMs = Math.min(settings.staleAfterMs, QUIET_MS);
      const both = failover({ lan: bambuLan(options), cloud: cloudLink(settings, handle), quietMs });
      return { link: withAccount(both, handle.account, settings.id), putAway };
    }),
  tryOut: async (settings, around) => {
    const [lan, cloud] = await Promise.all([outcome(tryLan(settings, around)), outcome(tryCloud(settings, around))]);
    if (lan instanceof PrintgateError && cloud instanceof PrintgateError)
      throw new PrintgateError(lan.code, `in the network: ${lan.message}; through the account: ${cloud.message}`);
    if (lan instanceof PrintgateError) return { ...(cloud as Finding), remark: `Not in the network: ${lan.message}.` };
    if (cloud instanceof PrintgateError) return { ...lan, remark: `Not through the account: ${cloud.message}.` };
    return lan;
  },
};

/** @throws PrintgateError `config-invalid` */
function handleOf({ account }: PrinterSettings, { accounts }: Surroundings): AccountHandle {
  const handle = accounts.of(account);
  if (handle) return handle;
  throw new PrintgateError("config-invalid", "the account is missing or disabled, or waits for its first deploy");
}

function cloudLink({ id: serial, staleAfterMs }: PrinterSettings, { hub }: AccountHandle): Link {
  return bambuCloud({ serial, hub, staleAfterMs });
}

async function tryCloud(settings: PrinterSettings, around: Surroundings): Promise<Finding> {
  const handle = handleOf(settings, around);
  await handle.ready;
  const found = await tryLink(cloudLink(settings, handle));
  return { ...found, fingerprint: null, remark: null };
}

function outcome(work: Promise<Finding>): Promise<Finding | PrintgateError> {
  return work.catch((thrown: unknown) => (isPrintgateError(thrown) ? thrown : toError(thrown)));
}
