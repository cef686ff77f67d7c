// What was thrown or given as the reason of a signal, as an error.

/** An error's message; that of an error which holds others is often empty, and is put together from theirs. */
export function messageOf(error: Error): string {
  if (error.message !== '' || !(error instanceof AggregateError)) return error.message
  return error.errors.map((one: unknown) => asError(one).message).join(', ')
}

/** The value itself where it is an error. */
export const asError = (thrown: unknown): Error => (thrown instanceof Error ? thrown : new Error(String(thrown)))
