/**
 * Authentication and authorisation in the model of BifroMQ's Auth Provider: the shapes of its
 * messages as discriminated unions, with its names. A provider answers questions; it never throws
 * a decision, and nothing here knows of Node-RED or of printers.
 */

/** A repeated string pair, in order, as MQTT 5 sends user properties. */
export type UserProps = readonly (readonly [key: string, value: string])[];

/** What a client shows of itself in MQTT 3.1 and 3.1.1. Absent = the client sent none. */
export interface Mqtt3AuthData {
  readonly version: "3";
  /** MQIsdp, the 3.1 spelling of the protocol. */
  readonly isMQIsdp: boolean;
  readonly username?: string;
  readonly password?: Uint8Array;
  /** DER of the client certificate. */
  readonly cert?: Uint8Array;
  readonly clientId?: string;
  readonly remoteAddr: string;
  readonly remotePort: number;
  readonly channelId: string;
}

/** The same in MQTT 5. */
export interface Mqtt5AuthData {
  readonly version: "5";
  readonly username?: string;
  readonly password?: Uint8Array;
  readonly cert?: Uint8Array;
  readonly clientId?: string;
  readonly remoteAddr: string;
  readonly remotePort: number;
  readonly channelId: string;
  readonly responseInfo: boolean;
  readonly userProps: UserProps;
}

export type AuthData = Mqtt3AuthData | Mqtt5AuthData;

/** One step of extended authentication (MQTT 5, 4.12). */
export type ExtendedAuthData =
  | {
      readonly step: "initial";
      readonly basic: Mqtt5AuthData;
      readonly authMethod: string;
      readonly authData?: Uint8Array;
    }
  | {
      readonly step: "auth";
      readonly authMethod: string;
      readonly authData: Uint8Array;
      readonly userProps: UserProps;
      /** The client is connected already and proves itself again. */
      readonly isReAuth: boolean;
    };

/** Why a login was turned down: BifroMQ's `Failed` codes. */
export type RejectCode = "BadPass" | "NotAuthorized" | "Banned" | "BadAuthMethod" | "Error";

export interface Identity {
  readonly tenantId: string;
  readonly userId: string;
  readonly attrs: Readonly<Record<string, string>>;
}

export type AuthResult =
  | {
      readonly result: "ok";
      readonly identity: Identity;
      readonly userProps?: UserProps;
      readonly responseInfo?: string;
      readonly authData?: Uint8Array;
    }
  | {
      readonly result: "rejected";
      readonly code: RejectCode;
      readonly reason?: string;
      readonly tenantId?: string;
      readonly userId?: string;
      readonly userProps?: UserProps;
    };

export type ExtendedAuthResult =
  | AuthResult
  | {
      readonly result: "continue";
      readonly authData: Uint8Array;
      readonly reason?: string;
      readonly userProps?: UserProps;
    };

/** Who asks for something: BifroMQ's ClientInfo. `type` is "MQTT" for clients of a broker. */
export interface ClientInfo {
  readonly tenantId: string;
  readonly type: string;
  /** The eight reserved names (see request.ts), and attributes from the login beside them. */
  readonly metadata: Readonly<Record<string, string>>;
}

export type Qos = 0 | 1 | 2;

/** What a client wants to do: BifroMQ's MQTTAction. */
export type Action =
  | {
      readonly kind: "pub";
      readonly topic: string;
      readonly qos: Qos;
      readonly isRetained: boolean;
      readonly userProps: UserProps;
    }
  | { readonly kind: "sub"; readonly topicFilter: string; readonly qos: Qos; readonly userProps: UserProps }
  | { readonly kind: "unsub"; readonly topicFilter: string; readonly userProps: UserProps }
  | { readonly kind: "conn"; readonly userProps: UserProps };

export type ActionKind = Action["kind"];

/** The answer to "may it": BifroMQ's CheckResult, with the rule that decided where there is one. */
export type CheckResult =
  | { readonly result: "granted"; readonly userProps?: UserProps; readonly rule?: number; readonly reason?: string }
  | { readonly result: "denied"; readonly reason?: string; readonly userProps?: UserProps; readonly rule?: number }
  | { readonly result: "error"; readonly reason?: string; readonly userProps?: UserProps };

/** What of a client is not known to whom is asked, in contrast to known and absent. */
export type Unknown = "clientId" | "address" | "attrs";

/**
 * A source of decisions. Methods may answer in memory or over a network; they do not block. A
 * rejected promise is the provider being broken, which the policy turns into `error`.
 */
export interface AuthProvider {
  auth(data: AuthData): Promise<AuthResult>;
  extendedAuth(data: ExtendedAuthData): Promise<ExtendedAuthResult>;
  /** `unknown`: what the asker can not say of the client; a provider that can not use it leaves it. */
  checkPermission(client: ClientInfo, action: Action, unknown?: ReadonlySet<Unknown>): Promise<CheckResult>;
  /** The same at once, for providers that decide in memory. */
  checkNow?(client: ClientInfo, action: Action, unknown?: ReadonlySet<Unknown>): CheckResult;
  /** Idempotent; ends open questions as errors. */
  close(): Promise<void>;
}
