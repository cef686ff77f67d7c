// What bin/ottla.js runs.
import { run } from './program.ts'

// Whoever reads the output may stop reading (`ottla --help | head`); that is no reason to end a broker, or to show a stack.
for (const output of [process.stdout, process.stderr]) {
  output.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
  })
}
await run(process.argv.slice(2))
