import { randomBytes } from "node:crypto";
import { createSecureContext, type SecureContextOptions } from "node:tls";
import { PrintgateError, toError } from "../../errors";
import { type Cached, createCached } from "./cached";
import { fetchCatalogueEntry, fetchPreferenceUid, fetchWho, logout, type Profile, renameDevice } from "./calls";
import { type CloudClient, createClient } from "./client";
import { fetchDevices, isFinal, mergeDevices } from "./devices";
import { createListeners } from "./listeners";
import { placesOf } from "./places";
import { createSessionKeeper, introduced, sessionOf, stateOf } from "./session-keeper";
import { createSignIn, type SignIn, type StepOutcome } from "./sign-in";
import { uidInToken } from "./tokens";
import { closedError } from "./transport";
import type {
  AccountListener,
  AccountOptions,
  AccountState,
  BambuAccount,
  CloudAccess,
  CloudDevice,
  CloudSession,
  SignInAnswer,
  SignInStep,
} from "./types";
import { createWatch, type Watch } from "./watch";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DEVICES_MS = 10 * MINUTE_MS;
const CATALOGUE_MS = 6 * HOUR_MS;
const PROFILE_MS = 6 * HOUR_MS;
const TIMEOUT_MS = 15_000;
/** A name that a printer's screen can show. */
const LONGEST_NAME = 64;
const MOST_SERIALS = 1000;

/**
 * Makes an account; nothing is asked before `open`.
 *
 * @throws PrintgateError `config-invalid`: an address that is none, TLS material that is none
 */
export function createAccount(options: AccountOptions): BambuAccount {
  return new Account(options);
}

function checkTls(tls: SecureContextOptions): void {
  try {
    createSecureContext(tls);
  } catch {
    // What OpenSSL says of it helps nobody.
    throw new PrintgateError("config-invalid", "the certificate or key of the TLS configuration can not be used");
  }
}

type Catalogue = Readonly<Record<string, unknown>> | null;

/** What was asked for one person; dropped whole when somebody else signs in. */
interface Shelf {
  readonly devices: Cached<readonly CloudDevice[]>;
  readonly profile: Cached<Profile>;
  readonly catalogues: Map<string, Cached<Catalogue>>;
  readonly reign: number;
  known: readonly CloudDevice[];
}

class Account implements BambuAccount {
  readonly mqtt: CloudAccess;
  private readonly client: CloudClient;
  private readonly signInSteps: SignIn;
  private readonly listeners;
  private readonly keeper;
  private readonly watch: Watch;
  private readonly now: () => number;
  private readonly tag = randomBytes(2).toString("hex");
  private shelf: Shelf;
  private opening: Promise<void> | null = null;
  private closed = false;
  /** Counts sign-ins and sign-outs: what was asked before one is not the answer after it. */
  private reign = 0;
  /** One after the other: of two people who sign in at once the later one counts. */
  private signing: Promise<unknown> = Promise.resolve();

  constructor(private readonly options: AccountOptions) {
    const places = placesOf(options);
    this.now = options.now ?? Date.now;
    if (options.tls !== undefined) checkTls(options.tls);
    const own = { api: options.apiUrl.trim() !== "", mqtt: options.mqttUrl.trim() !== "" };
    const tlsFor = (place: keyof typeof own) =>
      options.tls !== undefined && (own[place] || !(own.api || own.mqtt)) ? { tls: options.tls } : {};
    const timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
    const shared = options.rests === undefined ? {} : { rests: options.rests };
    this.client = createClient({ places, timeoutMs, now: this.now, ...tlsFor("api"), ...shared });
    this.signInSteps = createSignIn({ client: this.client, region: options.region, now: this.now });
    const said = new Set<string>();
    const log = (message: string): void => {
      if (!said.has(message) && said.size < 200) options.log(message);
      said.add(message);
    };
    this.listeners = createListeners(log);
    this.keeper = createSessionKeeper({ store: options.store, log, changed: this.onSession });
    this.watch = createWatch({
      ...{ client: this.client, keeper: this.keeper, listeners: this.listeners, now: this.now, log },
      everyMs: options.watchEveryMs ?? HOUR_MS,
      // Not from the shelf: what the cloud said a moment ago is the very thing in doubt.
      probe: async () => {
        await this.loadProfile();
      },
    });
    this.shelf = this.newShelf();
    this.mqtt = {
      url: places.mqtt,
      ...tlsFor("mqtt"),
      credentials: () => this.credentials(),
      changed: (listener) => this.listeners.addCredentials(listener),
      refused: () => {
        this.watch.refused();
      },
    };
  }

  get state(): AccountState {
    return stateOf(this.keeper.current);
  }

  open(): Promise<void> {
    if (this.closed) return Promise.reject(closedError());
    this.opening ??= this.keeper.open(this.options.pastedToken).then(() => {
      if (!this.closed) this.watch.start();
    });
    return this.opening;
  }

  async close(): Promise<void> {
    this.closed = true;
    this.watch.stop();
    this.client.close();
    this.listeners.clear();
    // What was signed in a moment ago is still to be saved; the requests have ended.
    await this.signing.catch(() => undefined);
    await this.keeper.settled();
  }

  subscribe(listener: AccountListener): () => void {
    const leave = this.listeners.add(listener);
    if (listener.notice !== undefined) this.watch.soon();
    return leave;
  }

  signIn(step: SignInStep): Promise<SignInAnswer> {
    return this.inTurn(async () => {
      await this.open();
      const outcome = await this.signInSteps.step(step);
      return outcome.next === "tokens" ? this.enter(outcome, step.kind) : outcome;
    });
  }

  signOut(): Promise<void> {
    return this.inTurn(async () => {
      await this.open();
      const session = this.keeper.current;
      await this.keeper.change(() => {
        this.reign += 1;
        return null;
      });
      // A pasted token belongs to whatever it was copied from, which is to go on.
      if (session === null || session.pasted || session.expired) return;
      await logout(this.client, session.accessToken).catch(() => undefined);
    });
  }

  async devices({ fresh = false }: { readonly fresh?: boolean } = {}): Promise<readonly CloudDevice[]> {
    await this.session();
    return this.steady(() => this.shelf.devices.get({ force: fresh }));
  }

  async catalogue(serial: string, { force = false }: { readonly force?: boolean } = {}): Promise<Catalogue> {
    await this.session();
    return this.steady(() => this.catalogueOf(serial.toUpperCase()).get({ force }));
  }

  async betaOptIn({ kept: asKept = false }: { readonly kept?: boolean } = {}): Promise<boolean> {
    await this.open();
    const kept = (): boolean => this.keeper.current?.firmwareBetaOpen ?? false;
    if (asKept || this.keeper.current === null || this.keeper.current.expired) return kept();
    return this.shelf.profile.get().then(({ firmwareBetaOpen }) => firmwareBetaOpen, kept);
  }

  async rename(serial: string, name: string): Promise<void> {
    const wanted = name.trim();
    if (wanted === "" || wanted.length > LONGEST_NAME || /\p{Cc}/u.test(wanted))
      throw new PrintgateError("request-invalid", `a printer's name has 1 to ${LONGEST_NAME} characters on one line`);
    const id = serial.toUpperCase();
    await this.authorised((session) =>
      renameDevice(this.client, { token: session.accessToken, serial: id, name: wanted }),
    );
    this.shelf.known = this.shelf.known.map((device) => (device.serial === id ? { ...device, name: wanted } : device));
    this.shelf.devices.put(this.shelf.known);
  }

  /** Tokens have come: they are kept at once, what else is known of the person is asked after. */
  private async enter(
    { tokens, account }: Extract<StepOutcome, { next: "tokens" }>,
    kind: SignInStep["kind"],
  ): Promise<SignInAnswer> {
    const begun = sessionOf(tokens, { account, pasted: false });
    let profile: Profile | null = null;
    // A token that somebody typed has been accepted by nobody yet.
    if (kind === "token") profile = await this.introduce(tokens.accessToken);
    await this.keeper.change(() => {
      this.reign += 1;
      return profile === null ? begun : introduced(begun, profile);
    });
    if (profile === null) await this.shelf.profile.get().catch(() => undefined);
    this.watch.signedIn();
    const session = this.keeper.current ?? begun;
    const { uid, name } = session;
    return { next: "done", who: { uid, account: session.account, name }, until: session.expiresAt };
  }

  /** null where the cloud can not be asked at this moment. @throws PrintgateError `account-refused` */
  private async introduce(token: string): Promise<Profile | null> {
    try {
      return await fetchWho(this.client, { token, by: "user" });
    } catch (thrown) {
      const error = toError(thrown);
      if (error.code === "account-expired" || error.code === "account-refused")
        throw new PrintgateError("account-refused", "the cloud does not accept this token; is the region right?");
      if (error.code === "signed-out" || uidInToken(token) === null) throw error;
      return null;
    }
  }

  private async credentials(): Promise<{ readonly username: string; readonly password: string }> {
    const session = await this.session();
    const uid = session.uid ?? (await this.steady(() => this.askUid()));
    if (uid === null) throw new PrintgateError("bad-answer", "the cloud does not say which user this account is");
    const { accessToken } = await this.session();
    return { username: `u_${uid}`, password: accessToken };
  }

  /** A profile that can not be had must not keep the printers from being heard: another page knows the user id, too. */
  private async askUid(): Promise<string | null> {
    try {
      return (await this.shelf.profile.get({ force: true })).uid;
    } catch (thrown) {
      if (isFinal(thrown)) throw thrown;
      return this.authorised(({ accessToken }) => fetchPreferenceUid(this.client, accessToken));
    }
  }

  private newShelf(): Shelf {
    const { now } = this;
    return {
      reign: this.reign,
      known: [],
      catalogues: new Map(),
      devices: createCached({ maxAgeMs: DEVICES_MS, now, load: () => this.loadDevices() }),
      profile: createCached({ maxAgeMs: PROFILE_MS, now, load: () => this.loadProfile() }),
    };
  }

  private async loadDevices(): Promise<readonly CloudDevice[]> {
    const shelf = this.shelf;
    const heard = await this.authorised((session) => fetchDevices(this.client, session.accessToken));
    shelf.known = mergeDevices(shelf.known, heard);
    return shelf.known;
  }

  private loadProfile(): Promise<Profile> {
    return this.authorised(async (session) => {
      const profile = await fetchWho(this.client, { token: session.accessToken, by: "program" });
      await this.keeper.change((current) =>
        current?.accessToken === session.accessToken ? introduced(current, profile) : current,
      );
      return { ...profile, uid: uidInToken(session.accessToken) ?? profile.uid };
    });
  }

  private catalogueOf(serial: string): Cached<Catalogue> {
    const { catalogues } = this.shelf;
    const known = catalogues.get(serial);
    if (known !== undefined) return known;
    if (catalogues.size >= MOST_SERIALS) catalogues.clear();
    const load = (): Promise<Catalogue> =>
      this.authorised(({ accessToken: token, uid }) =>
        fetchCatalogueEntry(this.client, { token, serial, uid, tag: this.tag }),
      );
    const cached = createCached({ maxAgeMs: CATALOGUE_MS, now: this.now, load });
    catalogues.set(serial, cached);
    return cached;
  }

  /** The session that may be used. @throws PrintgateError `signed-out`, `account-expired` */
  private async session(): Promise<CloudSession> {
    await this.open();
    const session = this.keeper.current;
    if (session === null) throw new PrintgateError("signed-out", "nobody is signed in to the cloud: sign in first");
    if (session.expired)
      throw new PrintgateError("account-expired", "the sign-in to the cloud has ended: sign in again");
    return session;
  }

  /** Asks with the session of this moment; the cloud's word that it has ended ends it. */
  private async authorised<T>(ask: (session: CloudSession) => Promise<T>): Promise<T> {
    const session = await this.session();
    try {
      return await ask(session);
    } catch (thrown) {
      const error = toError(thrown);
      if (error.code === "account-expired") await this.watch.expired(session.accessToken);
      throw error;
    }
  }

  /** An answer that was asked for another person is nobody's. */
  private async steady<T>(ask: () => Promise<T>): Promise<T> {
    const { reign } = this;
    const answer = await ask();
    if (reign === this.reign) return answer;
    throw new PrintgateError("signed-out", "somebody signed in or out in the meantime");
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.signing.then(work, work);
    this.signing = turn;
    return turn;
  }

  private readonly onSession = (before: CloudSession | null, after: CloudSession | null): void => {
    // A pasted token may be somebody else's.
    if (before?.pasted === false && after?.pasted === true) this.reign += 1;
    // Here and not a moment sooner: until now answers were asked for with the session before.
    if (this.shelf.reign !== this.reign) this.shelf = this.newShelf();
    if (this.closed) return;
    const [was, is] = [stateOf(before), stateOf(after)];
    if (JSON.stringify(was) !== JSON.stringify(is)) this.listeners.tellState(is);
    const same = before?.accessToken === after?.accessToken && before?.uid === after?.uid && was.kind === is.kind;
    if (!same) this.listeners.tellCredentials();
  };
}
