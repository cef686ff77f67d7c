// `.kafka_cleanshutdown` in a log directory: everything was flushed before the broker stopped, so nothing needs to be checked at the next
// start. JSON with the broker's epoch (KIP-966, org.apache.kafka.storage.internals.checkpoint.CleanShutdownFileHandler).
import { dirname } from 'node:path'
import { readIfPresent, replaceFile } from './atomic-file.ts'
import type { Files } from './files.ts'

/** Name of the file in a log directory. */
export const CLEAN_SHUTDOWN = '.kafka_cleanshutdown'

export interface CleanShutdown {
  /** Epoch that the broker had, -1 when the file does not say (Kafka before 3.8 wrote an empty one). */
  readonly brokerEpoch: number
}

/** Content of the file. */
export const cleanShutdownContent = (shutdown: CleanShutdown): Buffer =>
  Buffer.from(JSON.stringify({ version: 0, brokerEpoch: shutdown.brokerEpoch }))

/** What the file says. The file's being there is the mark, whatever it holds, so this never throws. */
export function parseCleanShutdown(content: Buffer): CleanShutdown {
  const epoch = /"brokerEpoch"\s*:\s*(?<epoch>-?\d{1,16})\s*[,}]/.exec(content.toString('latin1', 0, 1024))?.groups?.epoch
  return { brokerEpoch: epoch === undefined ? -1 : Number(epoch) }
}

/** Reads the mark, undefined when there is none. Throws the platform's error. */
export function readCleanShutdown(files: Files, path: string): CleanShutdown | undefined {
  const content = readIfPresent(files, path)
  return content && parseCleanShutdown(content)
}

/** Writes the mark durably: the very last thing that is done in a log directory. Throws the platform's error. */
export const writeCleanShutdown = (files: Files, path: string, shutdown: CleanShutdown): Promise<void> =>
  replaceFile(files, path, cleanShutdownContent(shutdown))

/** Removes the mark durably: to be awaited before anything else is written to the log directory. Throws the platform's error. */
export async function removeCleanShutdown(files: Files, path: string): Promise<void> {
  if (files.statSync(path) === undefined) return
  files.unlinkSync(path)
  await files.syncDirectory(dirname(path))
}
