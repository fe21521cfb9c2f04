import { fieldOf, textOf } from "./form";

/** Says beside an address that nothing on its way is encrypted. */
export function preparePlainAddresses(): void {
  for (const key of ["apiUrl", "mqttUrl"]) {
    const warn = (): void => {
      $(`#printgate-plain-${key}`).toggle(/^(http|mqtt):/i.test(textOf("printer-account", key)));
    };
    fieldOf("printer-account", key).on("input change", warn);
    warn();
  }
}
