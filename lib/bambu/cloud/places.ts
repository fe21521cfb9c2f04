import { PrintgateError } from "../../errors";
import type { CloudPlaces, Region } from "./types";

/** Where the cloud of each region lives (source: the Bambu protocol notes; Europe and the US share one). */
const REGIONS: Readonly<Record<Region, CloudPlaces>> = {
  global: {
    api: "https://api.bambulab.com",
    web: "https://bambulab.com",
    mqtt: "mqtts://us.mqtt.bambulab.com:8883",
  },
  china: {
    api: "https://api.bambulab.cn",
    web: "https://bambulab.cn",
    mqtt: "mqtts://cn.mqtt.bambulab.com:8883",
  },
};

const MQTT_PORTS: Readonly<Record<string, number>> = { "mqtts:": 8883, "mqtt:": 1883 };

/**
 * The addresses of a region, or those given by hand: an `apiUrl` is also the web origin.
 *
 * @throws PrintgateError `config-invalid`
 */
export function placesOf(given: {
  readonly region: Region;
  readonly apiUrl: string;
  readonly mqttUrl: string;
}): CloudPlaces {
  const places = REGIONS[given.region];
  const api = given.apiUrl.trim() === "" ? null : baseOf(given.apiUrl);
  const mqtt = given.mqttUrl.trim() === "" ? places.mqtt : urlOf(brokerAt(given.mqttUrl));
  return { api: api ?? places.api, web: api ?? places.web, mqtt };
}

function baseOf(text: string): string {
  const url = parsed(text);
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new PrintgateError("config-invalid", "the cloud's API address must begin with https:// (or http://)");
  refuseExtras(url, "the cloud's API address");
  return `${url.origin}${url.pathname.replace(/\/+$/, "")}`;
}

interface Broker {
  readonly secure: boolean;
  /** Without the brackets of an IPv6 address. */
  readonly host: string;
  readonly port: number;
}

/**
 * Where the broker is.
 * @param text `mqtts://host:port`, or `mqtt://` for one that its owner keeps without encryption
 * @throws PrintgateError `config-invalid`
 */
export function brokerAt(text: string): Broker {
  const url = parsed(text);
  const usual = url === null ? undefined : MQTT_PORTS[url.protocol];
  if (url === null || usual === undefined || url.hostname === "")
    throw new PrintgateError("config-invalid", "the cloud's MQTT address must begin with mqtts:// (or mqtt://)");
  refuseExtras(url, "the cloud's MQTT address");
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  return { secure: url.protocol === "mqtts:", host, port: url.port === "" ? usual : Number(url.port) };
}

const urlOf = ({ secure, host, port }: Broker): string =>
  `${secure ? "mqtts" : "mqtt"}://${host.includes(":") ? `[${host}]` : host}:${port}`;

function parsed(text: string): URL | null {
  const trimmed = text.trim();
  return URL.canParse(trimmed) ? new URL(trimmed) : null;
}

/** A password in an address would end up in messages; a query would break every path. */
function refuseExtras(url: URL, what: string): void {
  if (url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "")
    throw new PrintgateError("config-invalid", `${what} may hold no user, password, query or fragment`);
}
