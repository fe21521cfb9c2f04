/** What the server says of itself, and who somebody is. */
import type { JsonObject } from "../json";
import { encodeUser, groupsOf } from "./access";
import { answer, type Call, FORBIDDEN, NO_PAGE, type Route } from "./answers";
import { layerOf } from "./job";

const REGISTRY: JsonObject = { needs_online: true };

function softwareUpdate({ core }: Call): JsonObject {
  const { latest, error } = core.update;
  const updateAvailable = error === null && latest !== core.version;
  // Without the network nothing is known of the remote side, and that is no update.
  const remote = error === null ? latest : "?";
  const octoprint: JsonObject = {
    displayName: "OctoPrint",
    displayVersion: core.version,
    updateAvailable,
    updatePossible: updateAvailable,
    information: {
      ...REGISTRY,
      local: { name: error === null ? core.version : "?", value: error === null ? core.version : "?" },
      remote: { name: remote, value: remote, release_notes: null },
    },
    online: true,
    error,
    disabled: false,
    compatible: true,
    releaseNotes: null,
  };
  return {
    status: updateAvailable ? "updatePossible" : "current",
    timestamp: Math.floor(core.now() / 1000),
    information: { octoprint },
    environment: { supported: true, versions: [] },
    storage: { sufficient: true, free: [] },
  };
}

function layers({ core }: Call): JsonObject {
  const { job } = core.machine;
  const layer = {
    current: job === null ? "-" : String(layerOf(job)),
    total: job === null ? "-" : String(job.file.layers),
  };
  return { layer, print: { printerState: core.machine.phase } };
}

const profile = (call: Call): JsonObject => ({
  id: "_default",
  name: "Default",
  model: call.core.name,
  current: true,
  default: true,
  color: "default",
  extruder: { count: call.core.machine.tools, nozzleDiameter: 0.4, sharedNozzle: false, offsets: [[0, 0]] },
  heatedBed: true,
  heatedChamber: call.core.machine.heaters.has("chamber"),
  volume: { width: 200, depth: 200, height: 200, formFactor: "rectangular", origin: "lowerleft", custom_box: false },
  resource: `${call.base}/api/printerprofiles/_default`,
});

export const SERVER_ROUTES: readonly Route[] = [
  {
    method: "GET",
    path: /^\/api\/version$/,
    permission: "STATUS",
    run: ({ core }) => answer({ api: "0.1", server: core.version, text: core.versionText }),
  },
  {
    method: "GET",
    path: /^\/api\/server$/,
    permission: "STATUS",
    run: ({ core }) => answer({ version: core.version, safemode: null }),
  },
  { method: "GET", path: /^\/api\/currentuser$/, run: ({ user }) => answer(encodeUser(user)) },
  {
    method: "POST",
    path: /^\/api\/login$/,
    json: true,
    run: ({ core, user, body }) => {
      // Only passive logins are known here: nobody has a password.
      if (user === null || body["passive"] !== true) return FORBIDDEN;
      return answer({
        name: user.name,
        session: core.access.openSession(user),
        active: true,
        admin: user.permissions.includes("ADMIN"),
        user: true,
        apikey: user.name === "_api" ? null : user.apiKey,
        groups: groupsOf(user),
        permissions: [],
        needs: { group: groupsOf(user), role: user.permissions.map((one) => one.toLowerCase()) },
        settings: {},
        _is_external_client: false,
        _login_mechanism: "apikey",
      });
    },
  },
  {
    method: "GET",
    path: /^\/api\/settings$/,
    permission: "SETTINGS_READ",
    run: ({ core }) =>
      answer({
        api: { allowCrossOrigin: false, key: null },
        appearance: { name: core.name, color: "default" },
        feature: { sdSupport: true, temperatureGraph: true },
        plugins: core.layerPlugin ? { DisplayLayerProgress: {} } : {},
        webcam: { streamUrl: "", snapshotUrl: "", timelapseEnabled: false },
      }),
  },
  {
    method: "GET",
    path: /^\/api\/system\/info$/,
    permission: "SYSTEM",
    run: ({ core }) =>
      answer({
        systeminfo: {
          "octoprint.version": core.version,
          "octoprint.safe_mode": false,
          ...(core.machine.operational ? { "printer.firmware": core.machine.firmwareName } : {}),
        },
      }),
  },
  {
    method: "GET",
    path: /^\/api\/printerprofiles$/,
    permission: "CONNECTION",
    run: (call) => answer({ profiles: { _default: profile(call) } }),
  },
  {
    method: "GET",
    path: /^\/plugin\/softwareupdate\/check$/,
    permission: "PLUGIN_SOFTWAREUPDATE_CHECK",
    run: (call) => answer(softwareUpdate(call)),
  },
  {
    method: "GET",
    path: /^\/plugin\/DisplayLayerProgress\/values$/,
    run: (call) => (call.core.layerPlugin ? answer(layers(call)) : NO_PAGE),
  },
];
