import type { CloudSession } from "../../lib/bambu/cloud/types";

/** A session of an invented account; no test may find these words outside the encrypted store. */
export const aSession = (difference: Partial<CloudSession> = {}): CloudSession => ({
  version: 1,
  accessToken: "AQA-secret-access-token",
  refreshToken: "AQA-secret-refresh-token",
  expiresAt: Date.UTC(2027, 1, 12),
  refreshExpiresAt: Date.UTC(2027, 1, 12),
  uid: "1000001",
  account: "jo@example.org",
  name: "Jo",
  firmwareBetaOpen: false,
  warned: [],
  expired: false,
  pasted: false,
  ...difference,
});
