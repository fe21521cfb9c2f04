import assert from "node:assert/strict";
import { readSettings, warningOf } from "../../../lib/node-red/settings";

const octoprint = (url: string) =>
  readSettings({ connection: "octoprint", serial: "old-ender", url }, { apiKey: "an-invented-key" }, "node1");

describe("the address of an OctoPrint", () => {
  for (const url of ["http://octopi.example.org", "http://192.0.2.7:5000/octoprint", "HTTP://localhost.example.org"]) {
    it(`${url} is taken with a warning that names the danger`, () => {
      assert.match(warningOf(octoprint(url)) ?? "", /is not encrypted: .* API key/);
    });
  }

  for (const url of ["https://octopi.example.org", "http://127.0.0.1:5000", "http://localhost/octoprint"]) {
    it(`${url} is taken without one`, () => {
      assert.equal(warningOf(octoprint(url)), null);
    });
  }
});
