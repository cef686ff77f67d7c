// A thread of the pool: hashes passwords, slowly on purpose.
import { scryptSync } from 'node:crypto'
import { parentPort } from 'node:worker_threads'

parentPort?.on('message', (password: string) => {
  const hash = scryptSync(password, 'salt', 16, { cost: 1_024 }).toString('hex')
  parentPort?.postMessage(`${password}:${hash}`, [])
})
