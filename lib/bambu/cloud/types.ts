import type { SecureContextOptions } from "node:tls";
import type { Notice } from "../../printer/link";
import type { Rests } from "./pace";

/** Shapes that the parts of the cloud share. Names of the wire stop at the client. */

export type Region = "global" | "china";

/** Base URLs without a trailing slash: REST, the web origin of the two-factor step, and `mqtts://host:port`. */
export interface CloudPlaces {
  readonly api: string;
  readonly web: string;
  readonly mqtt: string;
}

/**
 * Who is signed in, and with what. It holds tokens: it goes to the encrypted store and nowhere else.
 * Times are epoch ms, null = not known (a pasted token says nothing about itself).
 */
export interface CloudSession {
  readonly version: 1;
  readonly accessToken: string;
  readonly refreshToken: string | null;
  readonly expiresAt: number | null;
  readonly refreshExpiresAt: number | null;
  readonly uid: string | null;
  /** E-mail address or phone number; null for a pasted token until the profile has said it. */
  readonly account: string | null;
  readonly name: string | null;
  /** The account wants beta firmware. Files from before this was kept have no such member: false. */
  readonly firmwareBetaOpen: boolean;
  /** Days ahead (14, 3, 1) whose warning was told. */
  readonly warned: readonly number[];
  /** The cloud no longer takes the token, and that was told. */
  readonly expired: boolean;
  /** It comes from the token that was pasted into the settings, and ends with it. Missing in a file: false. */
  readonly pasted: boolean;
}

/** Where the session outlives the process. */
export interface SessionStore {
  /** null when there is none, or none that can be used (the store has said so). Never rejects. */
  load(): Promise<CloudSession | null>;
  /** null = signed out. @throws PrintgateError `store` */
  save(session: CloudSession | null): Promise<void>;
}

/** What an account is made of; `lib/bambu/cloud/account.ts` makes it. */
export interface AccountOptions {
  readonly region: Region;
  /** Base of the REST calls, `http(s)://host[:port]`, then also the web origin; empty = the region's. */
  readonly apiUrl: string;
  /** `mqtt(s)://host[:port]`; empty = the region's. */
  readonly mqttUrl: string;
  /**
   * A private authority or a client certificate. It is meant for the addresses that were given by hand, and is used for
   * the region's own only where neither was.
   */
  readonly tls?: SecureContextOptions;
  /** Used while nobody has signed in through the dialog, or that sign-in has expired; empty = none. */
  readonly pastedToken: string;
  readonly store: SessionStore;
  /** How the edges before the clouds stand, for all accounts of the machine; absent = known to this one alone. */
  readonly rests?: Rests;
  /** A sentence for the log; each kind of trouble is said once. */
  log(message: string): void;
  /** Epoch ms; only tests give another clock than the machine's. */
  readonly now?: () => number;
  /** How often the life of the session is looked at; absent = hourly, since a timer can not be set for months. */
  readonly watchEveryMs?: number;
  /** Of one request, whole; absent = 15 s. */
  readonly timeoutMs?: number;
}

export type AccountState =
  | { readonly kind: "signed-out" }
  | { readonly kind: "signed-in"; readonly who: Who; readonly until: number | null }
  /** The cloud refused the token: somebody must sign in again. */
  | { readonly kind: "expired"; readonly who: Who };

/** As far as known. */
export interface Who {
  readonly uid: string | null;
  readonly account: string | null;
  readonly name: string | null;
}

/** One step of signing in. Nothing of it is kept but what the steps need among themselves, in memory. */
export type SignInStep =
  | { readonly kind: "password"; readonly account: string; readonly password: string }
  /** Have a code sent: by e-mail, or by SMS when the account is a phone number (China). */
  | { readonly kind: "send-code"; readonly account: string }
  | { readonly kind: "code"; readonly account: string; readonly code: string }
  /** The code of an authenticator; follows a password step that asked for it. */
  | { readonly kind: "tfa"; readonly code: string }
  /** A single-use ticket of the browser sign-in. */
  | { readonly kind: "ticket"; readonly ticket: string }
  | { readonly kind: "token"; readonly accessToken: string };

export type SignInAnswer =
  | { readonly next: "code"; readonly sentBy: "email" | "sms" }
  | { readonly next: "tfa" }
  | { readonly next: "done"; readonly who: Who; readonly until: number | null };

/** A printer of the account. */
export interface CloudDevice {
  readonly serial: string;
  readonly name: string;
  /** Marketing name where our table knows the cloud's word for it, else that word. */
  readonly model: string | null;
  readonly online: boolean | null;
  /** The LAN password. A secret: it goes into credentials and nowhere else. */
  readonly accessCode: string | null;
  /** The cloud's own word, for example `RUNNING`. */
  readonly jobStatus: string | null;
}

export interface AccountListener {
  state?(state: AccountState): void;
  /** `account.expiring` (value = days left) and `account.expired`, each told once, over restarts too. */
  notice?(notice: Notice): void;
}

/** What a cloud MQTT connection needs of an account. */
export interface CloudAccess {
  /** `mqtts://host:port` (or `mqtt://`, which the owner chose knowingly). */
  readonly url: string;
  /** A private authority or a client certificate; absent = the public authorities. */
  readonly tls?: SecureContextOptions;
  /** `u_<uid>` and the token. @throws PrintgateError `signed-out`, `account-expired` */
  credentials(): Promise<{ readonly username: string; readonly password: string }>;
  /**
   * Called when user or password are others than before, and when it makes sense to try again with the same after
   * they were refused; the answer stops that.
   */
  changed(listener: () => void): () => void;
  /** The broker refused the credentials: the cloud is asked whether the token still lives. */
  refused(): void;
}

/**
 * A Bambu Lab account: its session, its token bucket and its caches, shared by all nodes that use it.
 * Every method that asks the cloud throws a PrintgateError: `signed-out`, `account-expired` (only HTTP 401 with code 4),
 * `account-refused`, `blocked`, `request-invalid`, `unreachable`, `timeout`, `bad-answer`, `certificate-untrusted`.
 */
export interface BambuAccount {
  readonly state: AccountState;
  readonly mqtt: CloudAccess;
  /** Loads the session and watches its life. */
  open(): Promise<void>;
  close(): Promise<void>;
  subscribe(listener: AccountListener): () => void;
  signIn(step: SignInStep): Promise<SignInAnswer>;
  /** Forgets the session here, whatever the cloud answers. */
  signOut(): Promise<void>;
  /** Cached for ten minutes; an answer without any keeps the list that was known. */
  devices(options?: { readonly fresh?: boolean }): Promise<readonly CloudDevice[]>;
  /**
   * The catalogue entry of one printer as the cloud sent it (`dev_id`, `version`, `firmware[]`, `ams[]`), beta entries
   * included; null when the answer names no such printer. Cached for six hours; `force` asks anew, at most once a minute.
   */
  catalogue(serial: string, options?: { readonly force?: boolean }): Promise<Readonly<Record<string, unknown>> | null>;
  /**
   * The opt-in for beta firmware: from the profile when that can be asked (at most every six hours), else as it was kept;
   * `kept` = as it was kept, without asking. Rejects only when the account was closed.
   */
  betaOptIn(options?: { readonly kept?: boolean }): Promise<boolean>;
  rename(serial: string, name: string): Promise<void>;
}
