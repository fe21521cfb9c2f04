import { toError } from "../../errors";
import type { Profile } from "./calls";
import { tokensOfPasted } from "./sign-in";
import { type Tokens, uidInToken } from "./tokens";
import type { AccountState, CloudSession, SessionStore } from "./types";

/**
 * The one session of an account. Changes run one after the other, each on what the one before left; a change is in the
 * store before anybody sees it.
 */
export interface SessionKeeper {
  readonly current: CloudSession | null;
  /** Reads the store; a pasted token takes the place of a session that is none or has expired, now or later. Never rejects. */
  open(pastedToken: string): Promise<void>;
  /** `step` gets the session of that moment and answers the next; the same object = no change. Never rejects. */
  change(step: (current: CloudSession | null) => CloudSession | null): Promise<void>;
  /** Resolves when the changes that were asked for are done. */
  settled(): Promise<void>;
}

export type SessionListener = (before: CloudSession | null, after: CloudSession | null) => void;

export function createSessionKeeper(options: {
  readonly store: SessionStore;
  /** Called after each change, in its turn. */
  readonly changed: SessionListener;
  readonly log: (message: string) => void;
}): SessionKeeper {
  let current: CloudSession | null = null;
  let pasted: CloudSession | null = null;
  let turn: Promise<void> = Promise.resolve();

  async function apply(step: (before: CloudSession | null) => CloudSession | null): Promise<void> {
    const before = current;
    const next = step(before);
    if (next === before) return;
    // The end of a dialog's sign-in; after that of a pasted token there is nothing left.
    const after = before?.pasted === false ? chooseSession(next, pasted) : next;
    await save(after);
    current = after;
    options.changed(before, after);
  }

  /** A session that can not be kept is still good until the process ends. */
  async function save(session: CloudSession | null): Promise<void> {
    try {
      await options.store.save(session);
    } catch (thrown) {
      options.log(`the sign-in could not be saved and is lost at a restart: ${toError(thrown).message}`);
    }
  }

  const inTurn = (work: () => Promise<void>): Promise<void> => {
    turn = turn.then(work).catch((thrown: unknown) => {
      options.log(`the sign-in could not be changed: ${toError(thrown).message}`);
    });
    return turn;
  };

  return {
    get current() {
      return current;
    },
    open: (pastedToken) =>
      inTurn(async () => {
        const stored = await options.store.load();
        pasted = pastedSession(pastedToken, options.log);
        const chosen = chooseSession(stored, pasted);
        if (chosen !== stored) await save(chosen);
        current = chosen;
        if (chosen !== null) options.changed(null, chosen);
      }),
    change: (step) => inTurn(() => apply(step)),
    settled: () => turn,
  };
}

function pastedSession(text: string, log: (message: string) => void): CloudSession | null {
  if (text.trim() === "") return null;
  try {
    return sessionOf(tokensOfPasted(text), { account: null, pasted: true });
  } catch (thrown) {
    log(`the pasted token can not be used: ${toError(thrown).message}`);
    return null;
  }
}

/**
 * Which session counts: that of the dialog, unless it has expired and there is a token; that of a pasted
 * token only as long as that very token is in the settings.
 */
export function chooseSession(stored: CloudSession | null, pasted: CloudSession | null): CloudSession | null {
  if (stored === null) return pasted;
  if (stored.accessToken === pasted?.accessToken) return stored;
  if (stored.pasted) return pasted;
  return stored.expired && pasted !== null ? pasted : stored;
}

/** A session that has just begun. */
export function sessionOf(
  tokens: Tokens,
  from: { readonly account: string | null; readonly pasted: boolean },
): CloudSession {
  return {
    version: 1,
    accessToken: tokens.accessToken,
    refreshToken: tokens.refreshToken,
    expiresAt: tokens.expiresAt,
    refreshExpiresAt: tokens.refreshExpiresAt,
    uid: uidInToken(tokens.accessToken),
    account: from.account,
    name: null,
    firmwareBetaOpen: false,
    warned: [],
    expired: false,
    pasted: from.pasted,
  };
}

export function stateOf(session: CloudSession | null): AccountState {
  if (session === null) return { kind: "signed-out" };
  const who = { uid: session.uid, account: session.account, name: session.name };
  return session.expired ? { kind: "expired", who } : { kind: "signed-in", who, until: session.expiresAt };
}

/** The session with what the profile says; the token's own word on the user id goes first. */
export function introduced(session: CloudSession, profile: Profile): CloudSession {
  const next = {
    ...session,
    uid: uidInToken(session.accessToken) ?? profile.uid ?? session.uid,
    account: profile.account ?? session.account,
    name: profile.name ?? session.name,
    firmwareBetaOpen: profile.firmwareBetaOpen,
  };
  return JSON.stringify(next) === JSON.stringify(session) ? session : next;
}
