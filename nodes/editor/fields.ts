/** Parts of a dialog that are made as they are needed. All texts come in; nothing of them is taken for HTML. */

export function labelled(label: string, field: JQuery): JQuery {
  return $("<label>", { class: "printgate-field" }).append($("<span>").text(label), field);
}

export function selectOf(options: Readonly<Record<string, string>>, value: string): JQuery {
  const list = Object.entries(options).map(([key, text]) => $("<option>").val(key).text(text));
  return $("<select>").append(list).val(value);
}

export function linesField(text: string, placeholder: string): JQuery {
  const rows = Math.max(2, text.split("\n").length);
  return $("<textarea>", { rows, placeholder, spellcheck: false }).val(text);
}

export function textField(text: string, placeholder = ""): JQuery {
  return $("<input>", { type: "text", placeholder }).val(text);
}

/** Check boxes in a row; `chosen` gives the ticked ones, in the order of the boxes. */
export function ticks(
  options: Readonly<Record<string, string>>,
  ticked: readonly string[],
): { readonly boxes: JQuery; readonly chosen: () => string[] } {
  const boxes = $("<span>", { class: "printgate-ticks" });
  for (const [value, text] of Object.entries(options)) {
    const box = $("<input>", { type: "checkbox", value }).prop("checked", ticked.includes(value));
    boxes.append($("<label>").append(box, " ", document.createTextNode(text)));
  }
  const chosen = (): string[] =>
    boxes
      .find("input:checked")
      .toArray()
      .map((box) => String($(box).val()));
  return { boxes, chosen };
}

export function smallButton(icon: string, text: string): JQuery {
  const button = $("<button>", { type: "button", class: "red-ui-button red-ui-button-small" });
  return button.append($("<i>", { class: `fa fa-${icon}` }), " ", document.createTextNode(text));
}

/** What a field holds now, as text. */
export function valueOf(field: JQuery): string {
  const value = field.val();
  return typeof value === "string" ? value : "";
}

/** A list that can be sorted, of rows which each can say what they hold now. */
export interface RowList<T> {
  rows(): T[];
  replace(rows: readonly unknown[]): void;
  /** The elements of the rows, in their order. */
  elements(): JQuery[];
}

interface Item<T> {
  readonly start?: unknown;
  read?: () => T;
}

/** Makes an `<ol>` such a list. `build` fills a row and gives what reads it; an added row starts as `fresh`. */
export function rowList<T>(
  element: JQuery,
  options: {
    readonly fresh: unknown;
    readonly add: string;
    readonly build: (container: JQuery, start: unknown) => () => T;
    readonly changed: () => void;
  },
): RowList<T> {
  element.editableList<Item<T>>({
    addButton: options.add,
    sortable: true,
    removable: true,
    height: "auto",
    scrollOnAdd: false,
    addItem: (container, _index, data) => {
      const start = "start" in data ? data.start : options.fresh;
      const read = options.build(container, start);
      const untouched = JSON.stringify(read());
      // What nobody touched stays as it was written, so that closing a dialog changes nothing.
      data.read = () => (JSON.stringify(read()) === untouched ? (start as T) : read());
      options.changed();
    },
    removeItem: options.changed,
    sortItems: options.changed,
  });
  const elements = (): JQuery[] => (element.editableList("items") as unknown as { toArray(): JQuery[] }).toArray();
  return {
    elements,
    rows: () => elements().flatMap((row) => (row.data("data") as Item<T>).read?.() ?? []),
    replace: (rows) => {
      element.editableList("empty");
      element.editableList(
        "addItems",
        rows.map((start) => ({ start })),
      );
      options.changed();
    },
  };
}
