/** What was thrown, as an Error. */
export const asError = (thrown: unknown): Error => (thrown instanceof Error ? thrown : new Error(String(thrown)))

/** The platform's code of an error, such as 'ENOENT'; empty for other errors. */
export const codeOf = (thrown: unknown): string =>
  thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : ''

/** An fdatasync or fsync failed: what the device holds is unknown, whatever the platform's code, and trying again would not tell. */
export class SyncError extends Error {}

/** As `file.datasync`, once. Throws SyncError. */
export const syncOnce = async (file: { readonly path: string; datasync(): Promise<void> }): Promise<void> => {
  try {
    await file.datasync()
  } catch (error) {
    throw new SyncError(`fdatasync of ${file.path} failed: ${asError(error).message}`, { cause: error })
  }
}
