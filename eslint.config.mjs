import js from "@eslint/js";
import { defineConfig } from "eslint/config";
import ts from "typescript-eslint";

/** The house's directions of import: `lint` refuses what the table in CONTRIBUTING does not allow. */
const room = (files, forbidden) => ({
  files,
  rules: {
    "no-restricted-imports": [
      "error",
      { patterns: [{ regex: forbidden, message: "CONTRIBUTING: imports point one way" }] },
    ],
  },
});

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
  room(["lib/errors.ts", "lib/node-red/property-kinds.ts"], "^\\.{1,2}/"),
  room(["lib/node-red/properties.ts", "lib/node-red/property-table.ts"], "^\\.{1,2}/(?!property-)"),
  room(["lib/printer/**"], "^\\.\\./(?!errors$)"),
  room(["lib/bambu/*.ts", "lib/octoprint/**"], "^\\.\\./(?!errors$|printer/)"),
  room(["lib/bambu/*/**"], "^(\\.\\./){2,}(?!errors$|printer/)"),
  room(["lib/simulator/*.ts", "lib/auth/**"], "^\\.\\./(?!errors$)"),
  room(["lib/simulator/*/**"], "^(\\.\\./){2,}(?!errors$)"),
  room(["nodes/*.ts"], "^\\.\\./lib/(?!node-red/|printer/|auth/)"),
  room(["nodes/*.editor.ts", "nodes/editor/**"], "^(\\.\\./)+lib/(?!node-red/properties$)"),
);
