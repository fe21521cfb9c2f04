import { join } from "node:path";
import type { NodeAPI } from "node-red";
import { createAccount } from "../bambu/cloud/account";
import type { Rests } from "../bambu/cloud/pace";
import { createSightings } from "../bambu/discovery";
import { isPrinterMemory } from "../printer/memory-shape";
import { Printer } from "../printer/printer";
import { Accounts, type MakeAccount } from "./accounts/accounts";
import { fileKey, type InstallationKey, memoryKey } from "./installation-key";
import { linkFor } from "./links/links";
import { pinsIn } from "./links/pins";
import { Printers } from "./printers";
import type { PrinterSettings } from "./settings";
import { type Sessions, sessionsIn } from "./accounts/sessions";
import { fileNameOf, fileStore, memoryStore, type Store } from "./store";
import type { Surroundings } from "./links/way";

/** What all nodes of one Node-RED share. */
export interface House extends Surroundings {
  readonly printers: Printers;
  readonly sessions: Sessions;
}

type Events = NodeAPI["events"];

/** Each node file gets a RED object of its own; the emitter of its events is the same for all. */
const houses = new WeakMap<Events, { readonly house: House; readonly leave: () => void }>();

const stores = new WeakMap<Events, Store>();

/** The package's own files in this Node-RED's user directory. */
export function storeOf(RED: NodeAPI): Store {
  const known = stores.get(RED.events);
  if (known) return known;
  const { userDir } = RED.settings as { userDir?: string };
  const warn = (message: string): void => {
    RED.log.warn(`printgate: ${message}`);
  };
  const store = userDir ? fileStore(join(userDir, "printgate"), warn) : memoryStore();
  stores.set(RED.events, store);
  return store;
}

/** Makes a store the one of this Node-RED, in place of an earlier one: tests begin with nothing kept that way. */
export function useStore(events: Events, store: Store): void {
  stores.set(events, store);
}

/** The house of this Node-RED, built at the first call. */
export function houseOf(RED: NodeAPI): House {
  return houses.get(RED.events)?.house ?? useHouse(RED.events, buildHouse(RED));
}

/** Makes a house the one of this Node-RED, in place of an earlier one: tests bring their own links that way. */
export function useHouse(events: Events, house: House): House {
  houses.get(events)?.leave();
  const leaves = [house.accounts.follow(events), house.printers.follow(events)];
  const leave = (): void => {
    for (const one of leaves) one();
  };
  houses.set(events, { house, leave });
  return house;
}

/** What a Node-RED works with when nobody brings anything else. */
export function buildHouse(RED: NodeAPI): House {
  const warn = (message: string): void => {
    RED.log.warn(`printgate: ${message}`);
  };
  const store = storeOf(RED);
  const sessions = sessionsIn({ store, key: keyOf(RED, warn), warn });
  const accounts = new Accounts({ make: accountMaker(), sessions, log: { warn } });
  const around = { pins: pinsIn(store), sightings: createSightings({ warn }), accounts };
  return { ...around, sessions, printers: new Printers(printerMaker(store, around)) };
}

function keyOf(RED: NodeAPI, warn: (message: string) => void): InstallationKey {
  const { userDir } = RED.settings as { userDir?: string };
  return userDir ? fileKey(join(userDir, "printgate", "key"), warn) : memoryKey();
}

/** Accounts of one machine that share what its address has met with: an edge that turned one away does so with all. */
function accountMaker(): MakeAccount {
  const rests: Rests = new Map();
  return ({ region, apiUrl, mqttUrl, tls, pastedToken }, store, said) => {
    const log = (message: string): void => {
      said.warn(message);
    };
    return createAccount({ region, apiUrl, mqttUrl, pastedToken, store, rests, log, ...(tls && { tls }) });
  };
}

function printerMaker(store: Store, around: Surroundings): ConstructorParameters<typeof Printers>[0] {
  return (settings: PrinterSettings, log) =>
    new Printer({
      id: settings.id,
      name: settings.name,
      link: linkFor(settings, around),
      knownModel: () => around.accounts.of(settings.account)?.modelOf(settings.id) ?? null,
      staleAfterMs: settings.staleAfterMs,
      memory: store.document(`events/${fileNameOf(settings.id)}`, isPrinterMemory),
      log,
    });
}
