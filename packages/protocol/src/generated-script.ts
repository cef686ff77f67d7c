// The one place where generated source becomes code. The source is made of our own schemas alone; nothing of it comes from outside.
import { Script } from 'node:vm'

/** Functions in source form, one of which is the entry; `parts` are the names they may use. */
export interface Generated {
  readonly parts: readonly string[]
  readonly functions: readonly string[]
  readonly entry: string
}

/** A script whose value is a function that takes the parts and returns the entry. `name` shows in stack traces and profiles. */
export function generatedScript(name: string, { parts, functions, entry }: Generated): Script {
  const source = `'use strict';(({ ${parts.join(', ')} }) => {\n${functions.join('\n')}\nreturn ${entry}\n})`
  return new Script(source, { filename: `ottla-codec/${name}.js` })
}
