// A small file is replaced whole: the new content is written beside it, made durable, and moved over the old one. After a power loss
// either the old or the new content is there, never a mixture (as Kafka's CheckpointFile does with its `.tmp`).
import { dirname } from 'node:path'
import type { Files } from './files.ts'

/** Ending of the file that is written first; one that was left by a crash is overwritten by the next attempt. */
export const TEMPORARY_SUFFIX = '.tmp'

/**
 * Replaces `path` with `content`. When the promise resolves the new content survives a power loss; when it rejects the old content is
 * still there. Two replacements of one path must not run at the same time. Throws the platform's error.
 */
export async function replaceFile(files: Files, path: string, content: Buffer): Promise<void> {
  const temporary = path + TEMPORARY_SUFFIX
  const file = files.openSync(temporary, 'create')
  try {
    file.truncateSync(0)
    if (content.length > 0) file.writeSync([content], 0)
    await file.datasync()
  } finally {
    file.closeSync()
  }
  files.renameSync(temporary, path)
  await files.syncDirectory(dirname(path))
}

/** The whole file, or undefined when there is none. Throws the platform's error for anything else. */
export function readIfPresent(files: Files, path: string): Buffer | undefined {
  return files.statSync(path) === undefined ? undefined : files.readFileSync(path)
}
