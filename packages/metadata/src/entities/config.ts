/** Value of `config/<type>/<name>`: what is set there, as text by name. */
export type ConfigValue = ReadonlyMap<string, string>

/** Shared by everything that has no overrides. */
export const NO_CONFIG: ConfigValue = new Map()

/** Sorted by name, so that equal settings are equal text. */
export const encodeConfig = (value: ConfigValue): string =>
  JSON.stringify(Object.fromEntries([...value].toSorted(([a], [b]) => (a < b ? -1 : 1))))

export function decodeConfig(value: string): ConfigValue {
  const entries: Record<string, string> = JSON.parse(value)
  return new Map(Object.entries(entries))
}
