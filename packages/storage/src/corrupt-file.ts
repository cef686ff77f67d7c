/**
 * A file whose bytes do not follow its format: a torn or rotten index, snapshot, checkpoint or properties file. What can be rebuilt from
 * the log (indexes, producer snapshots) is rebuilt by whoever catches this; the rest stops the log directory and names the file.
 */
export class CorruptFileError extends Error {
  readonly path: string
  readonly reason: string

  constructor(path: string, reason: string) {
    super(`${path} is corrupt: ${reason}`)
    this.name = 'CorruptFileError'
    this.path = path
    this.reason = reason
  }
}

/** How a piece of unexpected text is shown in an error: quoted, and never longer than a line. */
export const quoted = (text: string): string => JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}...` : text)
