import { isFields, type Fields } from "./values";

/** Keys that hold, or may one day hold, something that opens a door. */
const SECRET_KEY = /access_?code|passw|token|secret|credential|tutk|auth_?key|private_?key|api_?key|signature/i;
/** The part of an address that carries a name and password, and the part that carries a signature. */
const USER_INFO = /([a-z][a-z0-9+.-]*:\/\/)[^\s/?#]*@/gi;
const QUERY = /([a-z][a-z0-9+.-]*:\/\/[^\s?#]*)[?#]\S*/gi;

/** A deep copy of JSON values without what would let its reader into the printer or the maker's cloud. */
export function withoutSecrets(value: unknown): unknown {
  if (typeof value === "string")
    return value.includes("://") ? value.replace(USER_INFO, "$1").replace(QUERY, "$1") : value;
  if (Array.isArray(value)) return value.map(withoutSecrets);
  if (!isFields(value)) return value;
  const copy: Fields = {};
  for (const key of Object.keys(value)) if (!SECRET_KEY.test(key)) copy[key] = withoutSecrets(value[key]);
  return copy;
}
