import { createAccount } from "../../lib/bambu/cloud/account";
import type { AccountOptions, BambuAccount, CloudSession, SessionStore } from "../../lib/bambu/cloud/types";
import type { Notice } from "../../lib/printer/link";
import {
  type CloudUser,
  startVirtualCloud,
  type SimulatedCloudOptions,
  type VirtualCloud,
} from "../../lib/simulator/cloud/virtual-cloud";

/** Invented people, one for each way of signing in. */
export const ANNA = { account: "anna@example.org", password: "a long password of Anna", uid: 1001, name: "Anna" };
export const BEN: CloudUser = {
  account: "ben@example.org",
  password: "a long password of Ben",
  uid: 1002,
  name: "Ben",
  login: "verifyCode",
  firmwareBetaOpen: true,
};
export const CARA: CloudUser = {
  account: "cara@example.org",
  password: "a long password of Cara",
  uid: 1003,
  name: "Cara",
  login: "tfa",
  firmwareBetaOpen: 1,
};
export const DANA = { account: "13800000000", password: "a long password of Dana", uid: 1004, name: "Dana" };

/** A store in memory that keeps the order of what was saved; may be made to fail. */
export class TestStore implements SessionStore {
  readonly saved: (CloudSession | null)[] = [];
  failing = false;
  /** Holds saves back until it is called. */
  gate: Promise<void> = Promise.resolve();

  constructor(public session: CloudSession | null = null) {}

  load(): Promise<CloudSession | null> {
    return Promise.resolve(this.session);
  }
  async save(session: CloudSession | null): Promise<void> {
    await this.gate;
    if (this.failing) throw new Error("the disk is full");
    this.session = session;
    this.saved.push(session);
  }
}

export interface AccountBed {
  readonly cloud: VirtualCloud;
  readonly account: BambuAccount;
  readonly store: TestStore;
  readonly logged: string[];
  readonly notices: Notice[];
  readonly states: string[];
  /** The clock of the account, and of the cloud. */
  readonly clock: { now: number };
  /** Paths that were asked for, without those from before the last call. */
  readonly asked: () => string[];
  /** Another account, as after a restart. */
  readonly again: (options?: Partial<AccountOptions>) => BambuAccount;
}

/** An account at a simulated cloud; what it opens is closed by `closeBeds`. */
export async function accountBed(
  options: Partial<AccountOptions> & { readonly cloud?: Partial<SimulatedCloudOptions>; readonly deaf?: boolean } = {},
): Promise<AccountBed> {
  const { cloud: cloudOptions, deaf, ...rest } = options;
  const clock = { now: Date.UTC(2030, 0, 1) };
  const now = (): number => clock.now;
  const cloud = await startVirtualCloud({ users: [ANNA, BEN, CARA, DANA], now, ...cloudOptions });
  beds.push(cloud);
  const store = (rest.store as TestStore | undefined) ?? new TestStore();
  const [logged, notices, states]: [string[], Notice[], string[]] = [[], [], []];
  const make = (more: Partial<AccountOptions> = {}): BambuAccount => {
    const account = createAccount({
      ...{ region: "global", apiUrl: cloud.url, mqttUrl: "", pastedToken: "", store, now, watchEveryMs: 5 },
      log: (message) => void logged.push(message),
      ...rest,
      ...more,
    });
    beds.push(account);
    if (deaf !== true)
      account.subscribe({
        state: (state) => void states.push(state.kind),
        notice: (notice) => void notices.push(notice),
      });
    return account;
  };
  let seen = 0;
  const asked = (): string[] => {
    const paths = cloud.requests.slice(seen).map(({ method, path }) => `${method} ${path}`);
    seen = cloud.requests.length;
    return paths;
  };
  return { cloud, store, logged, notices, states, clock, asked, account: make(), again: make };
}

const beds: { close(): Promise<void> }[] = [];

export async function closeBeds(): Promise<void> {
  for (const bed of beds.splice(0).reverse()) await bed.close();
}

export const signInAnna = (account: BambuAccount) =>
  account.signIn({ kind: "password", account: ANNA.account, password: ANNA.password });
