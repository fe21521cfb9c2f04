import type { EditorNodeInstance, EditorNodePropertiesDef } from "node-red";
import {
  applies,
  CONFIG_TYPES,
  type NodeType,
  problemInEditor,
  rowsOf,
  type Values,
  variableIn,
} from "../../lib/node-red/properties";

/** The properties of a node as the editor keeps them: `${NAME}` may stand in any of them. */
export type Props<T extends NodeType> = { -readonly [K in keyof Values<T>]: Values<T>[K] };

/** A node in the editor, as far as our dialogs touch it. */
export type Edited<T extends NodeType> = EditorNodeInstance<Props<T> & { name: string }>;

/** Marks the form of the node that is being edited: checks also run for nodes that are not. */
const MARK = "printgate-node";

/** What the editor has in a list of config nodes as long as none is chosen. */
const ADD = "_ADD_";

/** The ids of the fields in the dialog of a config node, and of any other. */
const prefixOf = (type: NodeType): string => (CONFIG_TYPES.includes(type) ? "#node-config-input-" : "#node-input-");

export function fieldOf(type: NodeType, key: string): JQuery {
  return $(`${prefixOf(type)}${key}`);
}

/** What stands in a field now, as text. */
export function textOf(type: NodeType, key: string): string {
  const field = fieldOf(type, key);
  if (field.is(":checkbox")) return field.is(":checked") ? "true" : "false";
  const value = field.val();
  return typeof value === "string" && value !== ADD ? value.trim() : "";
}

/** Every field of the form as it stands now, for the runtime to judge. */
export function formOf(type: NodeType): Record<string, string> {
  const keys = Object.keys(rowsOf(type)).filter((key) => fieldOf(type, key).length > 0);
  return Object.fromEntries(keys.map((key) => [key, textOf(type, key)]));
}

/** The `defaults` of a node type, made from the property table, with checks that accept `${NAME}`. */
export function defaultsOf<T extends NodeType>(type: T): EditorNodePropertiesDef<Props<T> & { name: string }> {
  const rows = Object.entries(rowsOf(type)).map(([key, row]) => {
    const value = Array.isArray(row.default) ? [...(row.default as unknown[])] : row.default;
    // The editor's own check (it is there, it is valid) knows no "only when": that one is ours.
    if (row.kind === "node" && row.when === undefined)
      return [key, { value, type: row.type, required: row.missing !== undefined }];
    // Node-RED takes a text as the reason only from a check that has two parameters.
    const validate = function (this: Record<string, unknown>, entered: unknown, { label }: { label?: string }) {
      const open = fieldOf(type, key).closest("form").data(MARK) === this["id"];
      const valueOf = (other: string): unknown => (open ? textOf(type, other) : this[other]);
      const chosen = entered === ADD ? "" : entered;
      const problem = problemInEditor(type, key, chosen, valueOf);
      return problem === null || (label === undefined ? problem : `${label}: ${problem}`);
    };
    return [key, row.kind === "node" ? { value, validate, type: row.type } : { value, validate }];
  });
  return Object.fromEntries(rows) as EditorNodePropertiesDef<Props<T> & { name: string }>;
}

/**
 * Prepares a dialog: a variable in a select or a checkbox stays what it is, and rows that do not matter
 * for the chosen connection (or way to emit) are hidden.
 */
export function prepareForm<T extends NodeType>(type: T, node: Edited<T>): void {
  const kept = node as unknown as Record<string, unknown>;
  for (const [key, row] of Object.entries(rowsOf(type))) {
    const field = fieldOf(type, key);
    field.closest("form").data(MARK, node.id);
    // A node of an earlier release, or of a hand-written flow: the runtime takes the default as well.
    if (kept[key] === undefined && row.kind === "boolean") field.prop("checked", row.default);
    else if (kept[key] === undefined && row.kind !== "node" && row.kind !== "list" && row.kind !== "rows")
      field.val(String(row.default));
    if (variableIn(kept[key]) === null) continue;
    const variable = String(kept[key]);
    if (field.is("select")) field.append($("<option>").val(variable).text(variable)).val(variable);
    if (field.is(":checkbox")) field.attr("type", "text").css("width", "120px").val(variable);
  }
  const deciders = new Set(
    Object.values(rowsOf(type)).flatMap(({ when, unless }) => [when, unless].flatMap((rule) => rule?.property ?? [])),
  );
  for (const key of deciders) {
    fieldOf(type, key).on("input change", () => {
      showRows(type);
    });
  }
  showRows(type);
}

/** Rows of one form that belong to something other than a property name one that they go with in `data-show-with`. */
function showRows(type: NodeType): void {
  const valueOf = (key: string): string => textOf(type, key);
  for (const [key, row] of Object.entries(rowsOf(type))) {
    // A variable may turn out to be anything: then every row may matter.
    const unsure = row.when !== undefined && variableIn(valueOf(row.when.property)) !== null;
    const matters = unsure || applies(type, key, valueOf);
    fieldOf(type, key).closest(".form-row").toggle(matters);
    $(`[data-show-with="${key}"]`).toggle(matters);
  }
}
