import {
  startVirtualCloud,
  type SimulatedCloudOptions,
  type VirtualCloud,
} from "../../../../lib/simulator/cloud/virtual-cloud";

export const ANNA = { account: "anna@example.org", password: "long enough", uid: 4711, name: "Anna" } as const;
export const BERT = {
  account: "bert@example.org",
  password: "also long",
  uid: 4712,
  name: "Bert",
  login: "verifyCode",
  firmwareBetaOpen: true,
} as const;
export const CLARA = {
  account: "clara@example.org",
  password: "very long",
  uid: 4713,
  name: "Clara",
  login: "tfa",
  firmwareBetaOpen: 0,
} as const;
export const DUO = {
  account: "13900000000",
  password: "a phone",
  uid: 4714,
  name: "Duo",
  login: "verifyCode",
} as const;

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body read as JSON; null where it is none. */
  readonly json: any;
}

/** Starts clouds for one test and ends them afterwards; asks them with nothing but `fetch`. */
export class CloudBench {
  private readonly clouds: VirtualCloud[] = [];

  async cloud(options: Partial<SimulatedCloudOptions> = {}): Promise<VirtualCloud> {
    const cloud = await startVirtualCloud({ users: [ANNA, BERT, CLARA, DUO], ...options });
    this.clouds.push(cloud);
    return cloud;
  }

  async clear(): Promise<void> {
    await Promise.all(this.clouds.splice(0).map((cloud) => cloud.close()));
  }
}

export async function ask(
  cloud: VirtualCloud,
  method: string,
  path: string,
  { body, token, headers = {} }: { body?: unknown; token?: string; headers?: Record<string, string> } = {},
): Promise<Reply> {
  const response = await fetch(cloud.url + path, {
    method,
    redirect: "manual",
    headers: {
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  let json: unknown = null;
  try {
    json = JSON.parse(text);
  } catch {
    // Not every answer is JSON.
  }
  return { status: response.status, headers: response.headers, text, json };
}
