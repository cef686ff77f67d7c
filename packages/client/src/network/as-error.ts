// What was thrown or given as the reason of a signal, as an error.

/** The value itself where it is an error. */
export const asError = (thrown: unknown): Error => (thrown instanceof Error ? thrown : new Error(String(thrown)))
