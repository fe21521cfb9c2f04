import js from "@eslint/js";
import { defineConfig } from "eslint/config";
import ts from "typescript-eslint";

/** The house's directions of import: `lint` refuses what the table in CONTRIBUTING does not allow. */
const refuse = (files, forbidden) => ({
  files,
  rules: {
    "no-restricted-imports": [
      "error",
      { patterns: [{ regex: forbidden, message: "CONTRIBUTING: imports point one way" }] },
    ],
  },
});

/** A folder of lib, whose files import from each other and from `allowed`, however deep they stand. */
const room = (folder, ...allowed) =>
  [1, 2, 3].map((depth) =>
    refuse([`lib/${folder}${"/*".repeat(depth)}.ts`], `^(\\.\\./){${depth},}(?!${allowed.join("|")})`),
  );

export default defineConfig(
  { ignores: ["dist", "coverage", "bench/results", ".printgate", ".octoprint"] },
  js.configs.recommended,
  {
    files: ["**/*.ts"],
    extends: [...ts.configs.strictTypeChecked],
    languageOptions: {
      parserOptions: {
        project: ["./tsconfig.json", "./tsconfig.editor.json", "./tsconfig.test.json"],
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      "@typescript-eslint/no-floating-promises": "error",
      "@typescript-eslint/no-misused-promises": "error",
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/switch-exhaustiveness-check": "error",
    },
  },
  {
    // Tests may poke at anything; the two promise rules still hold there.
    files: ["test/**/*.ts", "bench/**/*.ts"],
    rules: {
      "@typescript-eslint/no-non-null-assertion": "off",
      "@typescript-eslint/no-explicit-any": "off",
      "@typescript-eslint/no-unsafe-argument": "off",
      "@typescript-eslint/no-unsafe-assignment": "off",
      "@typescript-eslint/no-unsafe-call": "off",
      "@typescript-eslint/no-unsafe-member-access": "off",
      "@typescript-eslint/no-unsafe-return": "off",
    },
  },
  {
    files: ["**/*.mjs"],
    languageOptions: {
      globals: {
        process: "readonly",
        console: "readonly",
        URL: "readonly",
        setTimeout: "readonly",
        setInterval: "readonly",
        clearInterval: "readonly",
        fetch: "readonly",
      },
    },
  },
  refuse(["lib/errors.ts", "lib/node-red/property-kinds.ts"], "^\\.{1,2}/"),
  refuse(["lib/node-red/properties.ts", "lib/node-red/property-table.ts"], "^\\.{1,2}/(?!property-)"),
  room("printer", "errors$"),
  room("bambu", "errors$", "printer/"),
  room("octoprint", "errors$", "printer/"),
  room("simulator", "errors$"),
  room("auth", "errors$"),
  refuse(["nodes/*.ts"], "^\\.\\./lib/(?!node-red/|printer/|auth/)"),
  refuse(["nodes/*.editor.ts", "nodes/editor/**"], "^(\\.\\./)+lib/(?!node-red/properties$)"),
);
