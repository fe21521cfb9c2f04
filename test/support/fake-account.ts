import type {
  AccountListener,
  AccountState,
  BambuAccount,
  CloudAccess,
  CloudDevice,
  SessionStore,
  SignInAnswer,
  SignInStep,
} from "../../lib/bambu/cloud/types";
import { PrintgateError } from "../../lib/errors";
import { Accounts } from "../../lib/node-red/accounts/accounts";
import type { AccountSettings } from "../../lib/node-red/accounts/settings";
import { memoryKey } from "../../lib/node-red/installation-key";
import { type Sessions, sessionsIn } from "../../lib/node-red/accounts/sessions";
import { memoryStore, type Store } from "../../lib/node-red/store";
import { aSession } from "./sessions";

/** The one password that is right; a code is asked for after `with-code`. */
export const PASSWORD = "correct-horse";

/** An account that does as the test says; it keeps its session as a real one does. */
export class FakeAccount implements BambuAccount {
  state: AccountState = { kind: "signed-out" };
  readonly steps: SignInStep[] = [];
  devicesKnown: CloudDevice[] = [];
  isOpen = false;
  isClosed = false;
  private readonly listeners = new Set<AccountListener>();
  readonly mqtt: CloudAccess = {
    url: "mqtts://192.0.2.1:8883",
    credentials: () => Promise.reject(new PrintgateError("signed-out", "nobody is signed in")),
    changed: () => () => undefined,
    refused: () => undefined,
  };

  constructor(
    readonly settings: AccountSettings,
    private readonly store: SessionStore,
    readonly log: { warn(message: string): void },
  ) {}

  async open(): Promise<void> {
    this.isOpen = true;
    const session = await this.store.load();
    if (session) this.state = { kind: "signed-in", who: session, until: session.expiresAt };
    else if (this.settings.pastedToken !== "")
      this.state = { kind: "signed-in", who: { uid: null, account: null, name: null }, until: null };
  }

  close(): Promise<void> {
    this.isClosed = true;
    return Promise.resolve();
  }

  subscribe(listener: AccountListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  get heard(): number {
    return this.listeners.size;
  }

  become(state: AccountState): void {
    this.state = state;
    for (const listener of this.listeners) listener.state?.(state);
  }

  async signIn(step: SignInStep): Promise<SignInAnswer> {
    this.steps.push(step);
    if (step.kind === "send-code") return { next: "code", sentBy: "email" };
    if (step.kind === "password" && step.password === "with-tfa") return { next: "tfa" };
    if (step.kind === "password" && step.password !== PASSWORD)
      throw new PrintgateError("account-refused", `the cloud refused ${step.account} with ${step.password}`);
    const session = aSession();
    await this.store.save(session);
    this.become({ kind: "signed-in", who: session, until: session.expiresAt });
    return { next: "done", who: session, until: session.expiresAt };
  }

  async signOut(): Promise<void> {
    await this.store.save(null);
    this.become({ kind: "signed-out" });
  }

  devices(): Promise<readonly CloudDevice[]> {
    return Promise.resolve(this.devicesKnown);
  }

  /** What the catalogue is asked for, and what it answers. */
  readonly catalogueAsked: string[] = [];
  catalogueSays: () => Promise<Readonly<Record<string, unknown>> | null> = () => Promise.resolve(null);

  catalogue(
    serial: string,
    { force = false }: { readonly force?: boolean } = {},
  ): ReturnType<BambuAccount["catalogue"]> {
    this.catalogueAsked.push(force ? `${serial} anew` : serial);
    return this.catalogueSays();
  }

  /** The wish for beta versions as it is kept, and as the profile would say it. */
  wish = { kept: false, profile: false };
  profileAsked = 0;

  betaOptIn({ kept = false }: { readonly kept?: boolean } = {}): Promise<boolean> {
    if (!kept) this.profileAsked += 1;
    return Promise.resolve(kept ? this.wish.kept : this.wish.profile);
  }

  rename(): Promise<void> {
    return Promise.resolve();
  }
}

export const aDevice = (difference: Partial<CloudDevice> = {}): CloudDevice => ({
  ...{ serial: "01P00A000000001", name: "Garage", model: "P1S", online: true, accessCode: "87654321", jobStatus: null },
  ...difference,
});

export const accountSettings = (difference: Partial<AccountSettings> = {}): AccountSettings => ({
  ...{ region: "global", apiUrl: "", mqttUrl: "", tls: null, pastedToken: "" },
  ...difference,
});

/** The accounts of one Node-RED, all of them fakes; `made` has each in order. */
export function fakeAccounts(
  options: { store?: Store; visitMs?: number; restartMs?: number; devices?: CloudDevice[] } = {},
): {
  readonly accounts: Accounts;
  readonly sessions: Sessions;
  readonly made: FakeAccount[];
  readonly warnings: string[];
} {
  const { store = memoryStore(), devices = [], ...times } = options;
  const made: FakeAccount[] = [];
  const warnings: string[] = [];
  const log = { warn: (message: string) => void warnings.push(message) };
  const sessions = sessionsIn({ store, key: memoryKey(), ...log });
  const make = (settings: AccountSettings, kept: SessionStore, said: FakeAccount["log"]): FakeAccount => {
    const account = new FakeAccount(settings, kept, said);
    account.devicesKnown = devices;
    made.push(account);
    return account;
  };
  return { accounts: new Accounts({ make, sessions, log, ...times }), sessions, made, warnings };
}
