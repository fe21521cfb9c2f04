import assert from "node:assert/strict";
import { MODELS, modelOf, modelOfCode } from "../../../lib/bambu/models";
import { STAGES, STATES } from "../../../lib/bambu/vocabulary";
import { MODEL_NAMES, serialOf, version } from "../../support/reports";
import type { Fields } from "../../../lib/bambu/values";

const nameOf = (modules: Fields[], serial = "99900A000000001"): string | null => modelOf(modules, serial).name;

describe("Bambu vocabulary", () => {
  it("has a name for each of the 78 stages, none of them twice but the two lidar calibrations", () => {
    assert.equal(STAGES.length, 78);
    assert.ok(STAGES.every((name) => name.length > 0));
    assert.deepEqual(
      STAGES.filter((name, i) => STAGES.indexOf(name) !== i),
      ["calibrating micro lidar"],
    );
  });

  it("keeps the stages that automations ask for at their numbers", () => {
    assert.equal(STAGES[6], "paused: filament ran out");
    assert.equal(STAGES[16], "paused by user");
    assert.equal(STAGES[22], "unloading filament");
    assert.equal(STAGES[24], "loading filament");
    assert.equal(STAGES[49], "heating chamber");
    assert.equal(STAGES[77], "preparing AMS");
  });

  it("does not take a word of the JavaScript language for a state", () => {
    assert.equal(STATES.get("constructor"), undefined);
  });
});

describe("Bambu models", () => {
  it("has a row for each model, and no code, product or serial that means two of them", () => {
    assert.deepEqual(MODELS.map(({ name }) => name).sort(), [...MODEL_NAMES].sort());
    for (const words of ["codes", "products", "serials"] as const) {
      const all = MODELS.flatMap((model) => model[words]);
      assert.equal(new Set(all).size, all.length, words);
    }
  });

  for (const model of MODEL_NAMES.filter((name) => name !== "X1")) {
    it(`knows a ${model} by the product name its firmware says, whatever the serial`, () => {
      assert.equal(nameOf(version(model).module as Fields[]), model);
    });
  }

  it("knows boards of firmware that says no product name", () => {
    const board = (hw_ver: string, project_name = ""): Fields => ({ name: "esp32", hw_ver, project_name });
    assert.equal(nameOf([{ name: "ota" }, board("AP05")]), "X1C");
    assert.equal(nameOf([board("AP02")]), "X1E");
    assert.equal(nameOf([board("AP04", "C11")]), "P1P");
    assert.equal(nameOf([board("AP04", "C12")]), "P1S");
    assert.equal(nameOf([board("AP07", "N2S")]), "A1");
    assert.equal(nameOf([board("AP07", "N1")]), "A1 mini");
  });

  it("takes the serial as a last hint: 030 is the A1 mini, 039 the A1", () => {
    assert.equal(nameOf([], "03000A000000001"), "A1 mini");
    assert.equal(nameOf([], "03900A000000001"), "A1");
    assert.equal(nameOf([], serialOf("P1S")), "P1S");
    assert.equal(nameOf([{ name: "ota", product_name: "Bambu Lab X1E" }], serialOf("P1S")), "X1E");
  });

  it("tells no model from a serial that several models share", () => {
    assert.equal(nameOf([], "09400A000000001"), null);
  });

  it("passes on the name of a product that is new to it, without any claim about its parts", () => {
    const model = modelOf([{ name: "ota", product_name: "Bambu Lab Z9 Max" }], serialOf("P1S"));
    assert.equal(model.name, "Z9 Max");
    assert.equal(model.chamberSensor, null);
  });

  it("names what discovery and the cloud call by code", () => {
    assert.equal(modelOfCode("BL-P001"), "X1C");
    assert.equal(modelOfCode("N7"), "P2S");
    assert.equal(modelOfCode("nothing"), null);
  });

  it("gives two nozzles to H2C, H2D, H2D Pro and X2D only", () => {
    const two = MODELS.filter(({ nozzles }) => nozzles === 2).map(({ name }) => name);
    assert.deepEqual(two.sort(), ["H2C", "H2D", "H2D Pro", "X2D"]);
  });
});
