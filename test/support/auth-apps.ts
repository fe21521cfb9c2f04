import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";

/**
 * The key pair, request and signature that OctoPrint's documentation of App Session Keys gives for
 * testing an implementation. 512 bits and a published private key: good for nothing else.
 */
export const VECTOR = {
  id: "com.example.my_octoprint_app",
  version: "1.0",
  key: "F43A844750F74AD080FE9F438D47B33C",
  publicKey: "MEgCQQCIWfi7Nc8bcnfZJJtA6a4RyMC+sKBlMOb25OVNNB4L2v0TiGO72jVKR4osvb4oztlbRW5GkdiY0T2LJcfDYvkJAgMBAAE=",
  /** The key of its version 0.9, which is disabled. */
  oldPublicKey: "MEgCQQDYkr5Fv/YXK5ZL1uwRN4A61IagZaYLGqJ5JJGFo8wDrmpAMRqE9kK4+5hIDblC5DzfEr5oP7OA3tRO48Rf5yInAgMBAAE=",
  signature: "LGVCiolQWDc4AVn1DOcWljY0cFQxWF4pldVveUjjmL9JhiL0LnCKBbGwZ/CwKBWswFAxPaxQ0kDusVdOmCUa/w==",
  privateKey: `-----BEGIN RSA PRIVATE KEY-----
MIIBPQIBAAJBAIhZ+Ls1zxtyd9kkm0DprhHIwL6woGUw5vbk5U00Hgva/ROIY7va
NUpHiiy9vijO2VtFbkaR2JjRPYslx8Ni+QkCAwEAAQJARK4lFo+FEcs3yR2iQjEy
p+yaAbNQJ4hZXlVvltLAYICzOM3kyKx53/eKU59NjskLz9q6QxfleymYPWAgl4NW
fQIjAJVH8MjwNcaAquTM9z2OiFi3OC8WgaKOi5W/T+r2+B70wG8CHwDp08dqOZ/u
xcBiy4Wzpcme9bckqoVuS3gWMm+YqgcCIwCMFU07kkY0NyumtzxPdIA4F/7OGSWf
IHqWFEfvasAddHlbAh8A5UgkB3Zf7Bt+7aFSBnlvve6FWm/XDPL12xYztYgrAiIa
W3miN6FjIm+8TDowrk+nyYXG2GZefeY7QXOjYr6tlDn0
-----END RSA PRIVATE KEY-----
`,
  /** The documentation's two answers: 7140 s apart, so both count from one creation, 60 s before the first. */
  unverifiedUntil: 1416220357.011,
  verifiedUntil: 1416227497.011,
};

/** An app with a fresh key pair, and what it would send for a key. */
export function makeApp(id: string, version: string, bits = 1024) {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: bits });
  const pem = publicKey.export({ format: "pem", type: "pkcs1" });
  return {
    row: { id, version, publicKey: pem.toString() },
    request: (key: string, hash: "sha1" | "sha256" = "sha1") => requestOf({ id, version, key }, privateKey, hash),
  };
}

/** A signed request of an app. */
export function requestOf(
  { id, version, key }: { id: string; version: string; key: string },
  privateKey: KeyObject | string,
  hash: string,
) {
  const signature = sign(hash, Buffer.from(`${id}:${version}:${key}`), privateKey);
  return { appid: id, appversion: version, key, _sig: signature.toString("base64") };
}
